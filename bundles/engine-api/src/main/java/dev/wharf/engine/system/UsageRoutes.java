package dev.wharf.engine.system;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.core.agent.Agent;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Image;
import dev.wharf.core.state.Layer;
import dev.wharf.core.state.Volume;
import dev.wharf.engine.archive.Trees;
import dev.wharf.engine.build.BuildCache;
import dev.wharf.engine.containers.ContainerShapes;
import dev.wharf.engine.http.Answer;
import dev.wharf.engine.http.Problem;
import dev.wharf.engine.http.Request;
import dev.wharf.engine.http.Router;
import dev.wharf.engine.http.Routes;
import dev.wharf.engine.images.ImageShapes;
import dev.wharf.engine.json.Json;
import dev.wharf.engine.volumes.VolumeRoutes;
import dev.wharf.model.ContainerId;
import dev.wharf.model.ImageId;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.storage.Usage;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** {@code /system/df}: what takes how much space. Directories are walked, so it may take a while. */
public final class UsageRoutes implements Routes {
    private static final Set<String> TYPES = Set.of("container", "image", "volume", "build-cache");

    private final Trees trees;
    private final Path caches;

    /** @param caches where the folders of cache mounts are */
    public UsageRoutes(Trees trees, Path caches) {
        this.trees = trees;
        this.caches = caches;
    }

    @Override
    public void addTo(Router router) {
        router.get("/system/df", (agent, request) -> {
            // Clients before API 1.42 could not choose.
            List<String> types = request.version().atLeast(42) ? request.query().all("type") : List.of();
            types.forEach(type -> {
                if (!TYPES.contains(type)) {
                    throw Problem.invalid("unknown object type: " + type);
                }
            });
            return Answer.later(request.work(() -> Answer.json(usage(agent, request, types))));
        });
    }

    private ObjectNode usage(Agent agent, Request request, List<String> types) {
        Host host = agent.host();
        ObjectNode answer = Json.object();
        boolean all = types.isEmpty();
        boolean images = all || types.contains("image");
        answer.put(
                "LayersSize",
                images
                        ? host.layers().values().stream()
                                .filter(l -> l.snapshot().isPresent())
                                .mapToLong(Layer::sizeBytes)
                                .sum()
                        : 0);
        answer.set("Images", images ? images(host, request) : null);
        answer.set("Containers", all || types.contains("container") ? containers(agent, host, request) : null);
        answer.set("Volumes", all || types.contains("volume") ? volumes(host) : null);
        answer.set("BuildCache", all || types.contains("build-cache") ? BuildCache.usage(host, caches) : null);
        long builder = request.version().atLeast(42) ? 0 : BuildCache.sizeBytes(host, caches);
        if (builder > 0) {
            answer.put("BuilderSize", builder);
        }
        return answer;
    }

    private static ArrayNode images(Host host, Request request) {
        ArrayNode lines = Json.array();
        Map<ImageId, Long> shared = ImageShapes.shared(host);
        host.images().values().stream()
                .filter(Image::wanted)
                .sorted(Comparator.comparing(Image::storedAt).reversed())
                .forEach(i -> lines.add(ImageShapes.summary(
                        host, i, request.version(), host.usersOf(i.id()).size(), shared.getOrDefault(i.id(), 0L))));
        return lines;
    }

    private static ArrayNode containers(Agent agent, Host host, Request request) {
        ArrayNode lines = Json.array();
        ContainerShapes shapes = new ContainerShapes(host, request.version());
        Instant now = Instant.now();
        host.containers().values().stream()
                .sorted(Comparator.comparing(Container::createdAt).reversed())
                .forEach(c -> lines.add(shapes.summary(c, now, Optional.of(own(agent, c.id())))));
        return lines;
    }

    private static Usage own(Agent agent, ContainerId container) {
        try {
            return agent.streams().usage(container);
        } catch (DriverException e) {
            // It was removed meanwhile, or its storage driver is away.
            return new Usage(0, 0);
        }
    }

    private ArrayNode volumes(Host host) {
        ArrayNode lines = Json.array();
        host.volumes().values().stream()
                .filter(Volume::wanted)
                .sorted(Comparator.comparing(v -> v.name().value()))
                .forEach(v -> {
                    ObjectNode node = VolumeRoutes.shape(v);
                    node.putObject("UsageData")
                            .put("RefCount", host.usersOf(v.name()).size())
                            .put("Size", v.path().value().map(trees::sizeBytes).orElse(-1L));
                    lines.add(node);
                });
        return lines;
    }
}
