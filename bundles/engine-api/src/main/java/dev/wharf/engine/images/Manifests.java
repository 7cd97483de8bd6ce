package dev.wharf.engine.images;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Image;
import dev.wharf.engine.json.Json;
import dev.wharf.model.Descriptor;
import dev.wharf.model.Platform;
import dev.wharf.oci.image.Index;
import dev.wharf.oci.image.Manifest;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.content.ContentStore;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Optional;

/**
 * The manifests an image could have been chosen from ({@code ImageManifestSummary}): those of its index, of which some are
 * here, or its own alone. Reads the index, so it may block.
 */
final class Manifests {
    private static final String TYPE = "vnd.docker.reference.type";
    private static final String FOR = "vnd.docker.reference.digest";

    private Manifests() {}

    static ArrayNode of(Image image, Host host, ContentStore content) {
        ArrayNode summaries = Json.array();
        List<Image> variants = host.variants(image);
        for (Descriptor manifest : offered(image, content)) {
            Optional<Image> variant = variants.stream()
                    .filter(i -> manifest.digest().equals(i.manifest().digest()))
                    .findFirst();
            boolean here = variant.isPresent();
            boolean attests = manifest.annotations().getOrDefault(TYPE, "").equals("attestation-manifest");
            ObjectNode node = summaries.addObject().put("ID", manifest.digest().toString());
            node.set("Descriptor", descriptor(manifest));
            node.put("Available", here);
            long bytes = variant.map(Manifests::size).orElse(0L);
            long unpacked = variant.map(Image::sizeBytes).orElse(0L);
            node.putObject("Size").put("Content", bytes).put("Total", bytes + unpacked);
            node.put("Kind", attests ? "attestation" : "image");
            if (attests) {
                node.putObject("AttestationData")
                        .put("For", manifest.annotations().getOrDefault(FOR, ""));
            } else {
                ObjectNode data = node.putObject("ImageData");
                data.set(
                        "Platform",
                        platform(variant.map(i -> i.config().platform())
                                .or(manifest::platform)
                                .orElse(UNKNOWN)));
                data.set(
                        "Containers",
                        Json.array(variant.map(i -> host.usersOf(i.id())).orElse(List.of()).stream()
                                .map(Container::id)
                                .map(id -> id.value())
                                .toList()));
                data.putObject("Size").put("Unpacked", unpacked);
            }
        }
        return summaries;
    }

    private static final Platform UNKNOWN = new Platform("unknown", "unknown", "");

    /** What the index says; one that cannot be read, or is not kept, leaves the image's own manifest. */
    private static List<Descriptor> offered(Image image, ContentStore content) {
        if (image.index().isEmpty()) {
            return List.of(image.manifest());
        }
        Descriptor index = image.index().get();
        try (InputStream in = content.open(index.digest())) {
            return Index.parse(in.readNBytes(Manifest.LIMIT_BYTES), index.mediaType())
                    .manifests();
        } catch (DriverException | IOException e) {
            return List.of(image.manifest());
        }
    }

    private static long size(Image image) {
        return image.manifest().sizeBytes()
                + image.configBlob().sizeBytes()
                + image.layers().stream()
                        .mapToLong(l -> l.descriptor().sizeBytes())
                        .sum();
    }

    /** A descriptor as the OCI image spec writes it. */
    static ObjectNode descriptor(Descriptor descriptor) {
        ObjectNode node = Json.object()
                .put("mediaType", descriptor.mediaType())
                .put("digest", descriptor.digest().toString())
                .put("size", descriptor.sizeBytes());
        if (!descriptor.annotations().isEmpty()) {
            node.set("annotations", Json.map(descriptor.annotations()));
        }
        descriptor.platform().ifPresent(p -> node.set("platform", platform(p)));
        return node;
    }

    private static ObjectNode platform(Platform platform) {
        ObjectNode node =
                Json.object().put("architecture", platform.architecture()).put("os", platform.os());
        return platform.variant().isEmpty() ? node : node.put("variant", platform.variant());
    }
}
