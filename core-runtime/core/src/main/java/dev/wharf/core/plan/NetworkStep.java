package dev.wharf.core.plan;

import dev.wharf.core.event.Event;
import dev.wharf.core.event.NetworkEvent;
import dev.wharf.core.state.Stall;
import dev.wharf.model.NetworkSpec;
import dev.wharf.model.SubjectId;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import java.time.Instant;

/** The effects on networks. */
public sealed interface NetworkStep extends Step {
    NetworkSpec spec();

    int tries();

    @Override
    default SubjectId subject() {
        return spec().id();
    }

    @Override
    default String rung() {
        return "device";
    }

    /** Makes the device. A network made just now is given up when that fails, one that came with the house never. */
    record CreateDevice(NetworkSpec spec, boolean fresh, int tries) implements NetworkStep {
        @Override
        public Event run(Drivers drivers) throws DriverException {
            return new NetworkEvent.DeviceReady(spec.id(), drivers.network().use(spec.driver(), n -> n.create(spec)));
        }

        @Override
        public Event failed(Failure failure, Instant now) {
            return fresh && !spec.predefined() ? new NetworkEvent.Failed(spec.id(), failure) : stalled(failure, now);
        }
    }

    record RemoveDevice(NetworkSpec spec, int tries) implements NetworkStep {
        @Override
        public Event run(Drivers drivers) throws DriverException {
            drivers.network().use(spec.driver(), n -> {
                n.remove(spec);
                return spec;
            });
            return new NetworkEvent.DeviceRemoved(spec.id());
        }

        @Override
        public Event failed(Failure failure, Instant now) {
            return stalled(failure, now);
        }
    }

    default Event stalled(Failure failure, Instant now) {
        return new NetworkEvent.Stalled(
                spec().id(), new Stall(rung(), failure, now.plus(BackOff.after(tries())), tries() + 1));
    }
}
