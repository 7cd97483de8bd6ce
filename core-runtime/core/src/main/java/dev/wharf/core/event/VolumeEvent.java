package dev.wharf.core.event;

import dev.wharf.core.state.Fact;
import dev.wharf.core.state.Fact.Certainty;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Stall;
import dev.wharf.core.state.Volume;
import dev.wharf.model.SubjectId;
import dev.wharf.model.VolumeName;
import dev.wharf.model.VolumeSpec;
import dev.wharf.spi.Failure;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;

/** What happens to volumes. */
public sealed interface VolumeEvent extends Event {
    VolumeName volume();

    @Override
    default SubjectId subject() {
        return volume();
    }

    @EventType("volume.created")
    record Created(VolumeSpec spec, Instant at) implements VolumeEvent {
        @Override
        public VolumeName volume() {
            return spec.name();
        }

        @Override
        public Host apply(Host host) {
            // The name may be that of a volume whose data is still kept, which goes for this one.
            return host.with(
                    host.volume(spec.name()).map(kept -> kept.anew(spec, at)).orElseGet(() -> Volume.fresh(spec, at)));
        }
    }

    @EventType("volume.remove-requested")
    record RemoveRequested(VolumeName volume, Optional<Instant> keepUntil) implements VolumeEvent {
        public RemoveRequested(VolumeName volume) {
            this(volume, Optional.empty());
        }

        @Override
        public Host apply(Host host) {
            return host.change(volume, v -> keepUntil.map(v::kept).orElseGet(v::unwanted));
        }
    }

    /** A removed volume is had back with its data. */
    @EventType("volume.undeleted")
    record Undeleted(VolumeName volume) implements VolumeEvent {
        @Override
        public Host apply(Host host) {
            return host.change(volume, v -> v.isKept() ? v.undeleted() : v);
        }
    }

    /** The data of a removed volume is kept no longer than now. */
    @EventType("volume.purge-requested")
    record PurgeRequested(VolumeName volume, Instant at) implements VolumeEvent {
        @Override
        public Host apply(Host host) {
            return host.change(volume, v -> v.isKept() ? v.kept(at) : v);
        }
    }

    @EventType("volume.ready")
    record Ready(VolumeName volume, Path path) implements VolumeEvent {
        @Override
        public Host apply(Host host) {
            return host.change(volume, v -> v.path(Fact.present(path)));
        }
    }

    /** Its directory is gone. */
    @EventType("volume.emptied")
    record Emptied(VolumeName volume) implements VolumeEvent {
        @Override
        public Host apply(Host host) {
            return host.change(volume, Volume::emptied);
        }
    }

    @EventType("volume.removed")
    record Removed(VolumeName volume) implements VolumeEvent {
        @Override
        public Host apply(Host host) {
            return host.without(volume);
        }
    }

    /** Its directory could not be made; the volume is given up. */
    @EventType("volume.failed")
    record Failed(VolumeName volume, Failure failure) implements VolumeEvent {
        @Override
        public Optional<Failure> trouble() {
            return Optional.of(failure);
        }

        @Override
        public Host apply(Host host) {
            return host.change(volume, v -> v.unwanted().path(v.path().doubtful()));
        }
    }

    @EventType("volume.stalled")
    record Stalled(VolumeName volume, Stall stall) implements VolumeEvent {
        @Override
        public Optional<Failure> trouble() {
            return stall.lasting();
        }

        @Override
        public Host apply(Host host) {
            return host.change(
                    volume,
                    v -> stall.rung().equals("mount")
                            ? v.mount(Optional.of(Certainty.DOUBTFUL)).stalled(stall)
                            : v.path(v.path().doubtful()).stalled(stall));
        }
    }

    @EventType("volume.observed")
    record Observed(VolumeName volume, boolean there) implements VolumeEvent {
        @Override
        public Host apply(Host host) {
            return host.change(volume, v -> v.path(there ? v.path().doubtful() : Fact.absent()));
        }
    }

    /** Its device is mounted at its directory. */
    @EventType("volume.mounted")
    record Mounted(VolumeName volume) implements VolumeEvent {
        @Override
        public Host apply(Host host) {
            return host.change(volume, v -> v.mount(Optional.of(Certainty.PRESENT)));
        }
    }

    /** Its device could not be mounted; whoever waits for it waits for nothing. */
    @EventType("volume.mount-failed")
    record MountFailed(VolumeName volume, Failure failure) implements VolumeEvent {
        @Override
        public Optional<Failure> trouble() {
            return Optional.of(failure);
        }

        @Override
        public Host apply(Host host) {
            return host.change(volume, v -> v.mountFailed(failure));
        }
    }

    /** Nobody uses it any more, and its device is about to be unmounted: from now on it is not to be relied on. */
    @EventType("volume.unmounting")
    record Unmounting(VolumeName volume) implements VolumeEvent {
        @Override
        public Host apply(Host host) {
            return host.change(volume, v -> v.mount(Optional.of(Certainty.DOUBTFUL)));
        }
    }

    @EventType("volume.unmounted")
    record Unmounted(VolumeName volume) implements VolumeEvent {
        @Override
        public Host apply(Host host) {
            return host.change(volume, v -> v.mount(Optional.empty()));
        }
    }

    @EventType("volume.mount-observed")
    record MountObserved(VolumeName volume, boolean there) implements VolumeEvent {
        @Override
        public Host apply(Host host) {
            return host.change(
                    volume, v -> v.mount(there ? Optional.of(Certainty.DOUBTFUL) : Optional.<Certainty>empty()));
        }
    }

    @EventType("volume.recorded")
    record Recorded(Volume state) implements VolumeEvent {
        @Override
        public VolumeName volume() {
            return state.name();
        }

        @Override
        public Host apply(Host host) {
            return host.with(state);
        }
    }
}
