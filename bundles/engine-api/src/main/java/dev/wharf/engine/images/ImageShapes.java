package dev.wharf.engine.images;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Image;
import dev.wharf.core.state.Layer;
import dev.wharf.engine.containers.ContainerShapes;
import dev.wharf.engine.http.ApiVersion;
import dev.wharf.engine.json.Json;
import dev.wharf.model.ImageConfig;
import dev.wharf.model.ImageConfig.History;
import dev.wharf.model.ImageId;
import dev.wharf.model.LayerId;
import dev.wharf.model.LayerSpec;
import dev.wharf.model.Reference;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Images in the shapes of the Engine API ({@code ImageSummary}, {@code ImageInspect}, {@code HistoryResponseItem}). */
public final class ImageShapes {
    private static final String NEVER = "0001-01-01T00:00:00Z";

    private ImageShapes() {}

    static List<String> tags(Image image) {
        return image.references().stream()
                .map(Reference::parse)
                .filter(r -> r.digest().isEmpty())
                .map(Reference::familiar)
                .toList();
    }

    static List<String> digests(Image image) {
        return image.references().stream()
                .map(Reference::parse)
                .filter(r -> r.digest().isPresent())
                .map(Reference::familiar)
                .toList();
    }

    /** A line of a list; {@code containers} and {@code shared} are -1 where they were not asked for. */
    public static ObjectNode summary(Host host, Image image, ApiVersion version, long containers, long shared) {
        List<String> tags = tags(image);
        List<String> digests = digests(image);
        boolean marksNothing = !version.atLeast(43) && tags.isEmpty() && digests.isEmpty();
        ObjectNode node = Json.object();
        node.put("Id", image.id().value()).put("ParentId", parent(host, image));
        node.set("RepoTags", Json.array(marksNothing ? List.of("<none>:<none>") : tags));
        node.set("RepoDigests", Json.array(marksNothing ? List.of("<none>@<none>") : digests));
        node.put("Created", seconds(image.config().created()))
                .put("Size", image.sizeBytes())
                .put("SharedSize", shared);
        if (!version.atLeast(44)) {
            node.put("VirtualSize", image.sizeBytes());
        }
        node.set(
                "Labels",
                image.config().labels().isEmpty()
                        ? null
                        : Json.map(image.config().labels()));
        return node.put("Containers", containers);
    }

    private static String parent(Host host, Image image) {
        return Lineage.parent(host, image).map(i -> i.id().value()).orElse("");
    }

    /** How much of each image other images have too, in bytes. */
    public static Map<ImageId, Long> shared(Host host) {
        Map<LayerId, Integer> users = new HashMap<>();
        List<Image> images =
                host.images().values().stream().filter(Image::wanted).toList();
        images.forEach(
                i -> i.layers().stream().map(LayerSpec::id).distinct().forEach(l -> users.merge(l, 1, Integer::sum)));
        Map<ImageId, Long> shared = new HashMap<>();
        for (Image image : images) {
            shared.put(
                    image.id(),
                    image.layers().stream()
                            .map(LayerSpec::id)
                            .distinct()
                            .filter(l -> users.getOrDefault(l, 0) > 1)
                            .flatMap(l -> host.layer(l).stream())
                            .mapToLong(Layer::sizeBytes)
                            .sum());
        }
        return shared;
    }

    /** An image with all that is known of it. */
    public static ObjectNode inspect(Host host, Image image, ApiVersion version, String storage) {
        ImageConfig config = image.config();
        ObjectNode node = Json.object();
        node.put("Id", image.id().value());
        node.set("RepoTags", Json.array(tags(image)));
        node.set("RepoDigests", Json.array(digests(image)));
        node.put("Parent", parent(host, image))
                .put("Comment", comment(config))
                .put("Created", config.created().isEmpty() ? NEVER : config.created());
        if (!version.atLeast(45)) {
            node.put("Container", "");
        }
        // Gone with API 1.45, but Compose 1.x speaks the newest version there is, and looks for it at each recreation.
        node.set("ContainerConfig", config(config, version));
        node.put("DockerVersion", "").put("Author", config.author());
        node.set("Config", config(config, version));
        node.put("Architecture", config.platform().architecture());
        if (!config.platform().variant().isEmpty()) {
            node.put("Variant", config.platform().variant());
        }
        node.put("Os", config.platform().os()).put("Size", image.sizeBytes());
        if (!version.atLeast(44)) {
            node.put("VirtualSize", image.sizeBytes());
        }
        node.putObject("GraphDriver").put("Name", storage).putNull("Data");
        ObjectNode rootfs = node.putObject("RootFS").put("Type", "layers");
        ArrayNode layers = rootfs.putArray("Layers");
        config.diffIds().forEach(d -> layers.add(d.toString()));
        node.putObject("Metadata")
                .put("LastTagTime", image.taggedAt().map(Instant::toString).orElse(NEVER));
        if (version.atLeast(48)) {
            node.set("Descriptor", Manifests.descriptor(image.index().orElse(image.manifest())));
        }
        return node;
    }

    private static String comment(ImageConfig config) {
        return config.history().isEmpty()
                ? ""
                : config.history().get(config.history().size() - 1).comment();
    }

    /** The config in Docker's words; fields that only containers have went with API 1.50. */
    static ObjectNode config(ImageConfig config, ApiVersion version) {
        ObjectNode node = Json.object();
        if (!version.atLeast(50)) {
            node.put("Hostname", "").put("Domainname", "");
        }
        node.put("User", config.user());
        if (!version.atLeast(50)) {
            node.put("AttachStdin", false).put("AttachStdout", false).put("AttachStderr", false);
        }
        if (!config.exposedPorts().isEmpty()) {
            node.set("ExposedPorts", Json.set(config.exposedPorts()));
        }
        if (!version.atLeast(50)) {
            node.put("Tty", false).put("OpenStdin", false).put("StdinOnce", false);
        }
        node.set("Env", Json.arrayOrNull(config.env()));
        node.set("Cmd", Json.arrayOrNull(config.cmd()));
        config.healthcheck().ifPresent(h -> node.set("Healthcheck", ContainerShapes.healthcheck(h)));
        if (!version.atLeast(50)) {
            node.put("Image", "");
        }
        node.set("Volumes", config.volumes().isEmpty() ? null : Json.set(config.volumes()));
        node.put("WorkingDir", config.workingDir());
        node.set("Entrypoint", Json.arrayOrNull(config.entrypoint()));
        node.set("OnBuild", Json.arrayOrNull(config.onBuild()));
        node.set("Labels", config.labels().isEmpty() ? null : Json.map(config.labels()));
        if (!config.stopSignal().isEmpty()) {
            node.put("StopSignal", config.stopSignal());
        }
        if (!config.shell().isEmpty()) {
            node.set("Shell", Json.array(config.shell()));
        }
        return node;
    }

    /** Newest first; only lines that an image here ends with have an id, and only lines that made a layer have a size. */
    static ArrayNode history(Host host, Image image) {
        ArrayNode lines = Json.array();
        Map<Integer, Image> ending = new HashMap<>();
        for (Optional<Image> at = Optional.of(image); at.isPresent(); at = Lineage.parent(host, at.get())) {
            ending.putIfAbsent(at.get().config().history().size(), at.get());
        }
        List<History> history = image.config().history();
        List<LayerSpec> layers = image.layers();
        int layer = layers.size() - 1;
        for (int i = history.size() - 1; i >= 0; i--) {
            History line = history.get(i);
            long size = 0;
            if (!line.emptyLayer() && layer >= 0) {
                size = host.layer(layers.get(layer--).id())
                        .map(l -> l.sizeBytes())
                        .orElse(0L);
            }
            Optional<Image> end = Optional.ofNullable(ending.get(i + 1));
            ObjectNode node = lines.addObject();
            node.put("Comment", line.comment())
                    .put("Created", seconds(line.created()))
                    .put("CreatedBy", line.createdBy())
                    .put("Id", end.map(e -> e.id().value()).orElse("<missing>"))
                    .put("Size", size);
            List<String> tags = end.map(ImageShapes::tags).orElse(List.of());
            node.set("Tags", tags.isEmpty() ? null : Json.array(tags));
        }
        for (; layer >= 0; layer--) {
            long size =
                    host.layer(layers.get(layer).id()).map(l -> l.sizeBytes()).orElse(0L);
            lines.addObject()
                    .put("Comment", "")
                    .put("Created", seconds(image.config().created()))
                    .put("CreatedBy", "")
                    .put("Id", "<missing>")
                    .put("Size", size)
                    .putNull("Tags");
        }
        return lines;
    }

    static long seconds(String time) {
        return instant(time).getEpochSecond();
    }

    /** The time that a document tells; what is none stands for the beginning of time. */
    static Instant instant(String time) {
        try {
            return time.isEmpty() ? Instant.EPOCH : Instant.parse(time);
        } catch (DateTimeParseException e) {
            try {
                return java.time.OffsetDateTime.parse(time).toInstant();
            } catch (DateTimeParseException ignored) {
                return Instant.EPOCH;
            }
        }
    }
}
