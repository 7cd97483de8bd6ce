package dev.wharf.core.plan;

import dev.wharf.core.event.Event;
import dev.wharf.core.event.StorageEvent;
import dev.wharf.core.state.Move;
import dev.wharf.core.state.Stall;
import dev.wharf.model.DriverName;
import dev.wharf.model.SubjectId;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.storage.SnapshotKey;
import dev.wharf.spi.storage.StorageDriver;
import java.io.IOException;
import java.io.InputStream;
import java.time.Instant;
import java.util.Optional;

/** The effects on snapshots that move between storage drivers. */
public sealed interface MoveStep extends Step {
    Move move();

    @Override
    default SubjectId subject() {
        return move().owner();
    }

    default int tries() {
        return move().stall().map(Stall::tries).orElse(0);
    }

    /** Has the one driver read its changes and the other unpack them, as a layer or as a container's. */
    record CopySnapshot(Move move, SnapshotKey parent, Optional<Long> limitBytes) implements MoveStep {
        private static final int TRIES = 5;

        @Override
        public String rung() {
            return move.snapshot().value().startsWith("layer-") ? "snapshot" : "rootfs";
        }

        @Override
        public Event run(Drivers drivers) throws DriverException {
            DriverName from = move.from();
            drivers.storage().useLong(move.to(), to -> drivers.storage().useLong(from, old -> copy(old, to)));
            return new StorageEvent.Copied(move.snapshot(), move.from(), move.to());
        }

        private boolean copy(StorageDriver from, StorageDriver to) throws DriverException {
            SnapshotKey key = move.snapshot();
            StorageDriver.Diffing diffing = from.capability(StorageDriver.Diffing.class)
                    .orElseThrow(() -> unable(from.name(), "cannot tell the changes of a snapshot"));
            try (InputStream changes = diffing.diff(key)) {
                if (key.value().startsWith("layer-")) {
                    to.unpack(key, parent, changes);
                } else {
                    to.capability(StorageDriver.Receiving.class)
                            .orElseThrow(() -> unable(to.name(), "cannot take a container from another driver"))
                            .receive(key, parent, changes);
                }
            } catch (IOException e) {
                throw DriverException.failure(
                        Failure.Kind.FAILED, "reading snapshot " + key + " broke off: " + e.getMessage(), e);
            }
            if (limitBytes.isPresent()) {
                ContainerStep.limit(to, key, limitBytes.get());
            }
            return true;
        }

        private static DriverException unable(DriverName driver, String what) {
            return DriverException.failure(Failure.Kind.UNSUPPORTED, "storage driver " + driver + " " + what);
        }

        @Override
        public Event failed(Failure failure, Instant now) {
            boolean lasting = switch (failure.kind()) {
                case MISSING, EXISTS, INVALID, UNSUPPORTED, UNAUTHORISED, EXHAUSTED, CORRUPT -> true;
                case BUSY, UNAVAILABLE, FAILED -> false;
            };
            return lasting || tries() + 1 >= TRIES
                    ? new StorageEvent.MoveFailed(move.snapshot(), move.to(), failure)
                    : stalled(this, failure, now);
        }
    }

    /** Removes the original, which nobody uses any more. */
    record RemoveOriginal(Move move) implements MoveStep {
        static final String RUNG = "original";

        @Override
        public String rung() {
            return RUNG;
        }

        @Override
        public boolean destroys() {
            return true;
        }

        @Override
        public Event run(Drivers drivers) throws DriverException {
            SnapshotKey key = move.snapshot();
            drivers.storage().use(move.from(), s -> {
                s.remove(key);
                return key;
            });
            return new StorageEvent.Left(key, move.from());
        }

        @Override
        public Event failed(Failure failure, Instant now) {
            return stalled(this, failure, now);
        }
    }

    private static Event stalled(MoveStep step, Failure failure, Instant now) {
        return new StorageEvent.MoveStalled(
                step.move().snapshot(),
                new Stall(step.rung(), failure, now.plus(BackOff.after(step.tries())), step.tries() + 1));
    }
}
