package dev.wharf.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Names a layer by its chain id: the digest over its own diff id and everything under it (OCI image spec, config,
 * "Layer ChainID"). Two images that share their lower layers share these layers.
 */
public record LayerId(Digest chain) implements SubjectId {
    /** The chain id of the layer with {@code diffId} that stands on {@code parent}. */
    public static LayerId of(Optional<LayerId> parent, Digest diffId) {
        return parent.map(p -> new LayerId(Digest.sha256(p.chain + " " + diffId)))
                .orElseGet(() -> new LayerId(diffId));
    }

    /** The chain ids of layers that stand on one another, the lowest first. */
    public static List<LayerId> chainOf(List<Digest> diffIds) {
        List<LayerId> chain = new ArrayList<>(diffIds.size());
        Optional<LayerId> parent = Optional.empty();
        for (Digest diffId : diffIds) {
            LayerId id = of(parent, diffId);
            chain.add(id);
            parent = Optional.of(id);
        }
        return chain;
    }

    @Override
    public String kind() {
        return "layer";
    }

    @Override
    public String value() {
        return chain.toString();
    }

    @Override
    public String toString() {
        return value();
    }
}
