package dev.wharf.core.state;

import dev.wharf.model.Descriptor;
import dev.wharf.model.ImageConfig;
import dev.wharf.model.ImageId;
import dev.wharf.model.LayerSpec;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * An image that is wholly here.
 *
 * @param manifest the manifest it came with, kept byte for byte in the content store
 * @param configBlob its config document in the content store
 * @param references the full references that stand for it now, sorted; tags and digests both
 * @param sizeBytes the size of its layers, uncompressed
 * @param index the index it was chosen from, kept byte for byte beside its manifest; empty where there was none
 * @param taggedAt when somebody last gave it a name here; empty where it only has those that it came with
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
        Optional<Stall> stall,
        Optional<Descriptor> index,
        Optional<Instant> taggedAt) {
    /** One that came without an index, and was given no name here. */
    public Image(
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
        this(
                id,
                manifest,
                configBlob,
                config,
                layers,
                references,
                sizeBytes,
                storedAt,
                wanted,
                stall,
                Optional.empty(),
                Optional.empty());
    }

    public Image {
        layers = List.copyOf(layers);
        references = List.copyOf(references);
    }

    public Image withReferences(List<String> changed) {
        return with(changed.stream().sorted().distinct().toList(), wanted, stall, index, taggedAt);
    }

    /** The same with its layers in other blobs. */
    Image packedAs(List<LayerSpec> others) {
        return new Image(
                id,
                manifest,
                configBlob,
                config,
                others,
                references,
                sizeBytes,
                storedAt,
                wanted,
                stall,
                index,
                taggedAt);
    }

    /** The same under one more reference. */
    public Image alsoCalled(String reference) {
        return withReferences(
                Stream.concat(references.stream(), Stream.of(reference)).toList());
    }

    /** The documents it stands on, its own and the index it was chosen from. */
    public List<Descriptor> documents() {
        return Stream.concat(Stream.of(manifest, configBlob), index.stream()).toList();
    }

    /** The same, chosen from an index that it may have been found by before. */
    public Image chosenFrom(Optional<Descriptor> known) {
        return with(references, wanted, stall, known, taggedAt);
    }

    /** The same, given a name here at that time. */
    public Image taggedAt(Optional<Instant> at) {
        return with(references, wanted, stall, index, at);
    }

    public Image unwanted() {
        return with(List.of(), false, Optional.empty(), index, taggedAt);
    }

    /** Its removal did not work and is tried again. */
    public Image stalled(Stall why) {
        return with(references, wanted, Optional.of(why), index, taggedAt);
    }

    private Image with(
            List<String> called,
            boolean kept,
            Optional<Stall> trouble,
            Optional<Descriptor> from,
            Optional<Instant> tagged) {
        return new Image(
                id, manifest, configBlob, config, layers, called, sizeBytes, storedAt, kept, trouble, from, tagged);
    }
}
