package dev.wharf.core.plan;

import dev.wharf.core.event.Event;
import dev.wharf.core.event.ImageEvent;
import dev.wharf.core.event.LayerEvent;
import dev.wharf.core.state.Damage;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Image;
import dev.wharf.core.state.Layer;
import dev.wharf.core.state.Pull;
import dev.wharf.core.state.Stall;
import dev.wharf.model.DriverName;
import dev.wharf.model.LayerId;
import dev.wharf.model.LayerSpec;
import dev.wharf.model.MediaTypes;
import dev.wharf.model.PullId;
import dev.wharf.model.Reference;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Brings an image here: find out what it is, want its layers, and when all are here call it stored. */
final class PullPlan implements Plan {
    /** How often a transfer that broke off is tried before the pull is given up. */
    private static final int TRIES = 5;

    private final PullId id;

    PullPlan(PullId id) {
        this.id = id;
    }

    @Override
    public Proposal next(Host host, Instant now, Set<String> busy) {
        Optional<Pull> known = host.pull(id);
        if (known.isEmpty()) {
            return Proposal.REST;
        }
        Pull pull = known.get();
        if (pull.resolved().isEmpty()) {
            return busy.isEmpty() ? Proposal.step(new ImageStep.ResolvePull(pull)) : Proposal.AWAIT;
        }
        Pull.Resolved resolved = pull.resolved().get();
        if (host.image(resolved.image()).filter(i -> !i.wanted()).isPresent()) {
            // It is on its way out, and its documents with it; told stored before that is over, it would go as well.
            return Proposal.AWAIT;
        }
        List<Event> wanted = new ArrayList<>();
        Map<LayerId, DriverName> homes = new HashMap<>();
        boolean whole = true;
        long size = 0;
        for (LayerSpec spec : resolved.layers()) {
            Optional<Layer> layer = host.layer(spec.id());
            if (layer.isEmpty() || isOrphan(host, layer.get()) || isBare(host, pull, layer.get())) {
                // A layer lives where the one below it lives, wherever new images go now.
                DriverName storage = layer.map(Layer::storage)
                        .or(() -> spec.parent().map(homes::get))
                        .orElse(pull.storage());
                homes.put(spec.id(), storage);
                wanted.add(new LayerEvent.Wanted(spec, id, repository(pull), storage));
                whole = false;
            } else if (layer.get().stall().filter(PullPlan::isFinal).isPresent()) {
                return Proposal.say(
                        new ImageEvent.Failed(id, layer.get().stall().get().failure()));
            } else {
                homes.put(spec.id(), layer.get().storage());
                whole &= layer.get().snapshot().isPresent()
                        && (layer.get().content().isPresent() || !pull.source().bringsBlobs())
                        && !isGoingAside(host, spec);
                size += layer.get().sizeBytes();
            }
        }
        if (!wanted.isEmpty()) {
            return Proposal.say(wanted);
        }
        return whole ? Proposal.say(new ImageEvent.Stored(id, image(pull, resolved, size, now))) : Proposal.AWAIT;
    }

    private static Image image(Pull pull, Pull.Resolved resolved, long size, Instant now) {
        return new Image(
                resolved.image(),
                resolved.manifest(),
                resolved.configBlob(),
                resolved.config(),
                resolved.layers(),
                ImageStep.referencesOf(pull, resolved),
                size,
                now,
                true,
                Optional.empty(),
                Optional.of(resolved.target()).filter(t -> MediaTypes.isIndex(t.mediaType())),
                // What is loaded or pulled comes with its names.
                Optional.of(now)
                        .filter(at -> !pull.source().bringsBlobs()
                                && !pull.references().isEmpty()));
    }

    /** A layer that is not here and whose own pull is over must be wanted anew, with this pull's credentials. */
    private static boolean isOrphan(Host host, Layer layer) {
        return !layer.snapshot().isPresent() && host.pull(layer.pull()).isEmpty();
    }

    /** A layer whose blob was damaged and is gone comes with whoever brings blobs. */
    private static boolean isBare(Host host, Pull pull, Layer layer) {
        return pull.source().bringsBlobs()
                && !layer.content().isPresent()
                && host.pull(layer.pull()).isEmpty();
    }

    /** Whether the blob is known to be damaged and about to be moved out of the way; then it comes anew. */
    private static boolean isGoingAside(Host host, LayerSpec layer) {
        Damage damage = host.damages().get(layer.descriptor().digest());
        return damage != null && !damage.aside() && damage.stall().isEmpty();
    }

    private static String repository(Pull pull) {
        return pull.source() == Pull.Source.REGISTRY
                ? Reference.parse(pull.references().get(0)).repository().toString()
                : "";
    }

    private static boolean isFinal(Stall stall) {
        return stall.tries() >= TRIES
                || switch (stall.failure().kind()) {
                    case MISSING, INVALID, UNSUPPORTED, UNAUTHORISED, EXHAUSTED, CORRUPT -> true;
                    case EXISTS, BUSY, UNAVAILABLE, FAILED -> false;
                };
    }
}
