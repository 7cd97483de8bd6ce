package dev.wharf.model;

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
