package dev.wharf.core.plan;

import dev.wharf.core.event.LayerEvent;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Layer;
import dev.wharf.core.state.Pull;
import dev.wharf.model.LayerId;
import dev.wharf.spi.storage.SnapshotKey;
import java.time.Instant;
import java.util.Optional;
import java.util.Set;

/** A layer is fetched, then unpacked on its parent; when nothing stands on it any more it goes, and its blob after it. */
final class LayerPlan implements Plan {
    private final LayerId id;

    LayerPlan(LayerId id) {
        this.id = id;
    }

    @Override
    public Proposal next(Host host, Instant now, Set<String> busy) {
        Optional<Layer> known = host.layer(id);
        if (known.isEmpty()) {
            return Proposal.REST;
        }
        Layer layer = known.get();
        boolean wanted = host.isWanted(id);
        if (!busy.isEmpty()) {
            return Proposal.AWAIT;
        }
        if (layer.stall().isPresent() && now.isBefore(layer.stall().get().retryAt())) {
            return Proposal.until(layer.stall().get().retryAt());
        }
        Optional<Proposal> move = Moves.of(host, layer, wanted, now);
        if (move.isPresent()) {
            return move.get();
        }
        Proposal next = wanted ? up(host, layer) : down(host, layer);
        boolean leaves = host.move(SnapshotKey.of(id)).isPresent();
        return leaves ? next.and(Proposal.restUntil(Moves.later(now))) : next;
    }

    private static Proposal up(Host host, Layer layer) {
        if (layer.snapshot().isPresent()
                && (layer.content().isPresent()
                        || host.pull(layer.pull())
                                .filter(p -> p.source().bringsBlobs())
                                .isEmpty())) {
            return Proposal.REST;
        }
        if (!layer.content().isPresent()) {
            if (host.layers().values().stream().anyMatch(l -> isLosing(host, l, layer))) {
                return Proposal.AWAIT;
            }
            // What a pull began with one backend it ends with it, however the routes change meanwhile.
            return Proposal.step(new LayerStep.FetchLayer(
                    layer, host.pull(layer.pull()).flatMap(Pull::resolved).flatMap(Pull.Resolved::backend)));
        }
        // Here its snapshot is missing: one whose blob alone was gone rests by now.
        boolean footing = layer.spec()
                .parent()
                .map(p -> host.layer(p).map(l -> l.snapshot().isPresent()).orElse(false))
                .orElse(true);
        return footing ? Proposal.step(new LayerStep.UnpackLayer(layer)) : Proposal.AWAIT;
    }

    /** Whether another layer is unpacked from the same blob. */
    private static boolean hasSameBlob(Layer other, Layer layer) {
        return !other.id().equals(layer.id())
                && other.spec()
                        .descriptor()
                        .digest()
                        .equals(layer.spec().descriptor().digest());
    }

    /** Whether the blob of {@code layer} may be about to go with another that has it and is not wanted any more. */
    private static boolean isLosing(Host host, Layer other, Layer layer) {
        return hasSameBlob(other, layer)
                && other.snapshot().isAbsent()
                && !other.content().isAbsent()
                && !host.isWanted(other.id());
    }

    private Proposal down(Host host, Layer layer) {
        if (!layer.snapshot().isAbsent()) {
            boolean carries = host.layers().values().stream()
                    .anyMatch(l -> l.spec().parent().equals(Optional.of(id))
                            && !l.snapshot().isAbsent());
            return carries ? Proposal.AWAIT : Proposal.step(new LayerStep.RemoveSnapshot(layer));
        }
        if (!layer.content().isAbsent()) {
            boolean shared = host.layers().values().stream().anyMatch(l -> hasSameBlob(l, layer));
            return shared
                    ? Proposal.say(new LayerEvent.ContentRemoved(id))
                    : Proposal.step(new LayerStep.RemoveContent(layer));
        }
        // What it left with another driver must not be forgotten.
        return host.move(SnapshotKey.of(id)).isPresent() ? Proposal.REST : Proposal.say(new LayerEvent.Removed(id));
    }
}
