package dev.wharf.core.event;

import dev.wharf.core.state.Host;
import dev.wharf.core.state.Move;
import dev.wharf.core.state.Stall;
import dev.wharf.model.ContainerId;
import dev.wharf.model.DriverName;
import dev.wharf.model.LayerId;
import dev.wharf.model.SubjectId;
import dev.wharf.spi.Failure;
import dev.wharf.spi.storage.SnapshotKey;
import java.util.List;
import java.util.Optional;

/** What happens to a snapshot that moves from one storage driver to another; its subject is the layer or container. */
public sealed interface StorageEvent extends Event {
    SnapshotKey snapshot();

    @Override
    default SubjectId subject() {
        return Move.ownerOf(snapshot());
    }

    /** The snapshot shall live with another driver. */
    @EventType("storage.move-requested")
    record MoveRequested(SnapshotKey snapshot, DriverName from, DriverName to) implements StorageEvent {
        @Override
        public Host apply(Host host) {
            return host.with(new Move(snapshot, from, to, false, Optional.empty()));
        }
    }

    /** The other driver has all of it, and its owner uses that from now on. */
    @EventType("storage.copied")
    record Copied(SnapshotKey snapshot, DriverName from, DriverName to) implements StorageEvent {
        @Override
        public Host apply(Host host) {
            Host after = host.move(snapshot).map(m -> host.with(m.done())).orElse(host);
            return subject() instanceof LayerId layer
                    ? after.change(layer, l -> l.movedTo(to))
                    : after.change((ContainerId) subject(), c -> c.movedTo(to));
        }
    }

    /** The original is gone. */
    @EventType("storage.left")
    record Left(SnapshotKey snapshot, DriverName from) implements StorageEvent {
        @Override
        public Host apply(Host host) {
            return host.without(snapshot);
        }

        /** What it stood on may be free to go as well. */
        @Override
        public List<SubjectId> touches(Host host) {
            Optional<LayerId> below = subject() instanceof LayerId layer
                    ? host.layer(layer).flatMap(l -> l.spec().parent())
                    : host.container((ContainerId) subject()).flatMap(c -> c.top());
            return below.map(b -> List.<SubjectId>of(b)).orElse(List.of());
        }
    }

    /** It stays where it is. */
    @EventType("storage.move-failed")
    record MoveFailed(SnapshotKey snapshot, DriverName to, Failure failure) implements StorageEvent {
        @Override
        public Host apply(Host host) {
            return host.without(snapshot);
        }
    }

    /** Copying it or removing the original did not work, and is tried again. */
    @EventType("storage.move-stalled")
    record MoveStalled(SnapshotKey snapshot, Stall stall) implements StorageEvent {
        @Override
        public Host apply(Host host) {
            return host.move(snapshot).map(m -> host.with(m.stalled(stall))).orElse(host);
        }
    }

    @EventType("storage.move-recorded")
    record MoveRecorded(Move state) implements StorageEvent {
        @Override
        public SnapshotKey snapshot() {
            return state.snapshot();
        }

        @Override
        public Host apply(Host host) {
            return host.with(state);
        }
    }
}
