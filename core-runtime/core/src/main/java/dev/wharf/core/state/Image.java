package dev.wharf.core.state;

import dev.wharf.model.Descriptor;
import dev.wharf.model.ImageConfig;
import dev.wharf.model.ImageId;
import dev.wharf.model.LayerSpec;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * An image that is wholly here.
 *
 * @param manifest the manifest it came with, kept byte for byte in the content store
 * @param configBlob its config document in the content store
 * @param references the full references that stand for it now, sorted; tags and digests both
 * @param sizeBytes the size of its layers, uncompressed
 */
public record Image(
        ImageId id,
        Descriptor manifest,
        Descriptor configBlob,
        ImageConfig config,
        List<LayerSpec> layers,
        List<String> references,
        long sizeBytes,
        Instant storedAt,
        boolean wanted,
        Optional<Stall> stall) {
    public Image {
        layers = List.copyOf(layers);
        references = List.copyOf(references);
    }

    public Image withReferences(List<String> changed) {
        return new Image(
                id,
                manifest,
                configBlob,
                config,
                layers,
                changed.stream().sorted().distinct().toList(),
                sizeBytes,
                storedAt,
                wanted,
                stall);
    }

    public Image unwanted() {
        return new Image(
                id, manifest, configBlob, config, layers, List.of(), sizeBytes, storedAt, false, Optional.empty());
    }

    /** Its removal did not work and is tried again. */
    public Image stalled(Stall why) {
        return new Image(
                id, manifest, configBlob, config, layers, references, sizeBytes, storedAt, wanted, Optional.of(why));
    }
}
