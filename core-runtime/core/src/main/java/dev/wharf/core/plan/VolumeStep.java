package dev.wharf.core.plan;

import dev.wharf.core.event.Event;
import dev.wharf.core.event.VolumeEvent;
import dev.wharf.core.state.Stall;
import dev.wharf.model.SubjectId;
import dev.wharf.model.VolumeSpec;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import java.time.Instant;

/** The effects on volumes. */
public sealed interface VolumeStep extends Step {
    VolumeSpec spec();

    @Override
    default SubjectId subject() {
        return spec().name();
    }

    @Override
    default String rung() {
        return "path";
    }

    record CreateVolume(VolumeSpec spec) implements VolumeStep {
        @Override
        public Event run(Drivers drivers) throws DriverException {
            return new VolumeEvent.Ready(spec.name(), drivers.kernel().createVolume(spec));
        }

        @Override
        public Event failed(Failure failure, Instant now) {
            return new VolumeEvent.Failed(spec.name(), failure);
        }
    }

    record MountVolume(VolumeSpec spec) implements VolumeStep {
        @Override
        public String rung() {
            return "mount";
        }

        @Override
        public Event run(Drivers drivers) throws DriverException {
            drivers.kernel().mountVolume(spec);
            return new VolumeEvent.Mounted(spec.name());
        }

        @Override
        public Event failed(Failure failure, Instant now) {
            return new VolumeEvent.MountFailed(spec.name(), failure);
        }
    }

    record UnmountVolume(VolumeSpec spec, int tries) implements VolumeStep {
        @Override
        public String rung() {
            return "mount";
        }

        @Override
        public Event run(Drivers drivers) throws DriverException {
            drivers.kernel().unmountVolume(spec.name());
            return new VolumeEvent.Unmounted(spec.name());
        }

        @Override
        public Event failed(Failure failure, Instant now) {
            return new VolumeEvent.Stalled(
                    spec.name(), new Stall(rung(), failure, now.plus(BackOff.after(tries)), tries + 1));
        }
    }

    record RemoveVolume(VolumeSpec spec, int tries) implements VolumeStep {
        @Override
        public boolean destroys() {
            return true;
        }

        @Override
        public Event run(Drivers drivers) throws DriverException {
            drivers.kernel().removeVolume(spec.name());
            return new VolumeEvent.Emptied(spec.name());
        }

        @Override
        public Event failed(Failure failure, Instant now) {
            return new VolumeEvent.Stalled(
                    spec.name(), new Stall(rung(), failure, now.plus(BackOff.after(tries)), tries + 1));
        }
    }
}
