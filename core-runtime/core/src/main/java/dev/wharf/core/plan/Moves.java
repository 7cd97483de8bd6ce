package dev.wharf.core.plan;

import dev.wharf.core.event.StorageEvent;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.Goal;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Layer;
import dev.wharf.core.state.Move;
import dev.wharf.core.state.Stall;
import dev.wharf.model.DriverName;
import dev.wharf.model.LayerId;
import dev.wharf.spi.Failure;
import dev.wharf.spi.storage.SnapshotKey;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * What moving snapshots need next. They are copied from the foot up, since each stands on its parent in the new place too; the
 * owner uses the copy as soon as it is whole; and originals go from the top down, when nothing stands on them where they are.
 */
final class Moves {
    /** How soon an original that something stands on is looked at again, should nobody say that it is free. */
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    private Moves() {}

    /** Empty where the move has nothing to do and the layer may go on with its own plan. */
    static Optional<Proposal> of(Host host, Layer layer, boolean wanted, Instant now) {
        Optional<Move> known = host.move(SnapshotKey.of(layer.id()));
        if (known.isEmpty()) {
            return Optional.empty();
        }
        Move move = known.get();
        if (move.stall().isPresent() && now.isBefore(move.stall().get().retryAt())) {
            return Optional.of(Proposal.until(move.stall().get().retryAt()));
        }
        if (move.copied()) {
            return carries(host, layer.id(), move.from())
                    ? Optional.empty()
                    : Optional.of(Proposal.step(new MoveStep.RemoveOriginal(move)));
        }
        if (!wanted) {
            return Optional.of(given(move, "nobody wants it any more"));
        }
        if (!layer.snapshot().isPresent()) {
            return Optional.empty();
        }
        return Optional.of(copy(host, move, layer.spec().parent(), Optional.empty()));
    }

    /** Removes what a container has left, beside whatever else it does. */
    static Proposal originalOf(Host host, Container c, Instant now, Set<String> busy) {
        Optional<Move> move = host.move(SnapshotKey.of(c.id())).filter(Move::copied);
        if (move.isEmpty()) {
            return Proposal.REST;
        }
        if (busy.contains(MoveStep.RemoveOriginal.RUNG)) {
            return Proposal.AWAIT;
        }
        Optional<Instant> retryAt = move.get().stall().map(Stall::retryAt);
        return retryAt.isPresent() && now.isBefore(retryAt.get())
                ? Proposal.restUntil(retryAt.get())
                : Proposal.step(new MoveStep.RemoveOriginal(move.get()));
    }

    /** The same for a container; one that shall run or go instead stays where it is. */
    static Optional<Proposal> of(Host host, Container c, Instant now) {
        Optional<Move> known = host.move(SnapshotKey.of(c.id())).filter(m -> !m.copied());
        if (known.isEmpty()) {
            return Optional.empty();
        }
        Move move = known.get();
        boolean still = c.goal() != Goal.REMOVED
                && !c.goal().wantsProcess()
                && c.mount().isAbsent()
                && c.rootfs().isPresent();
        if (!still) {
            return Optional.of(given(move, "it is not stopped, or its root file system is not there"));
        }
        if (move.stall().isPresent() && now.isBefore(move.stall().get().retryAt())) {
            return Optional.of(Proposal.until(move.stall().get().retryAt()));
        }
        return Optional.of(copy(host, move, c.top(), ContainerStep.sizeLimit(c.spec())));
    }

    /** How soon a layer that is wanted but has an original to leave looks again. */
    static Instant later(Instant now) {
        return now.plus(PATIENCE);
    }

    private static Proposal copy(Host host, Move move, Optional<LayerId> below, Optional<Long> limitBytes) {
        if (below.isPresent() && !isIn(host, below.get(), move.to())) {
            boolean coming = host.move(SnapshotKey.of(below.get()))
                    .filter(m -> !m.copied() && m.to().equals(move.to()))
                    .isPresent();
            return coming
                    ? Proposal.AWAIT
                    : given(move, "the layer it stands on, " + below.get().value() + ", is not with " + move.to());
        }
        SnapshotKey parent = below.map(SnapshotKey::of).orElse(SnapshotKey.SCRATCH);
        return Proposal.step(new MoveStep.CopySnapshot(move, parent, limitBytes));
    }

    private static boolean isIn(Host host, LayerId layer, DriverName driver) {
        boolean home = host.layer(layer)
                .filter(l -> l.snapshot().isPresent() && l.storage().equals(driver))
                .isPresent();
        return home
                || host.move(SnapshotKey.of(layer))
                        .filter(m -> m.copied() && m.from().equals(driver))
                        .isPresent();
    }

    private static Proposal given(Move move, String why) {
        return Proposal.say(new StorageEvent.MoveFailed(
                move.snapshot(),
                move.to(),
                new Failure(Failure.Kind.UNAVAILABLE, "cannot move " + move.snapshot() + ": " + why)));
    }

    /** Whether anything stands on a layer's snapshot in a driver, or is going to. */
    static boolean carries(Host host, LayerId layer, DriverName driver) {
        return host.layers().values().stream()
                        .anyMatch(l -> l.spec().parent().equals(Optional.of(layer))
                                && (l.storage().equals(driver) || leaves(host, SnapshotKey.of(l.id()), driver)))
                || Stream.concat(host.containers().values().stream(), host.kept().values().stream())
                        .anyMatch(c -> c.top().equals(Optional.of(layer))
                                && (c.spec().storage().equals(driver) || leaves(host, SnapshotKey.of(c.id()), driver)));
    }

    private static boolean leaves(Host host, SnapshotKey snapshot, DriverName driver) {
        return host.move(snapshot).filter(m -> m.from().equals(driver)).isPresent();
    }
}
