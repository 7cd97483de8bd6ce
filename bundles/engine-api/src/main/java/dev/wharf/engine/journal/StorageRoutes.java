package dev.wharf.engine.journal;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.core.agent.Agent;
import dev.wharf.core.command.StorageCommand;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.DriverBinding;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Image;
import dev.wharf.core.state.Layer;
import dev.wharf.core.state.Move;
import dev.wharf.core.story.Names;
import dev.wharf.engine.containers.ContainerLookup;
import dev.wharf.engine.http.Answer;
import dev.wharf.engine.http.Problem;
import dev.wharf.engine.http.Request;
import dev.wharf.engine.http.Router;
import dev.wharf.engine.http.Routes;
import dev.wharf.engine.images.ImageLookup;
import dev.wharf.engine.json.Json;
import dev.wharf.model.ContainerId;
import dev.wharf.model.DriverKind;
import dev.wharf.model.DriverName;
import dev.wharf.model.ImageId;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.storage.SnapshotKey;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.Stream;

/** Which storage driver keeps what, how much that is, and moving it to another. */
public final class StorageRoutes implements Routes {
    private static final String ROOT = "/wharf/v1/storage";

    @Override
    public void addTo(Router router) {
        router.get(ROOT, (agent, request) -> Answer.json(list(agent.host())))
                .get(ROOT + "/df", (agent, request) -> Answer.later(request.work(() -> Answer.json(usage(agent)))))
                .post(ROOT + "/migrate", StorageRoutes::migrate);
    }

    // ---- where things are

    private static ObjectNode list(Host host) {
        ObjectNode answer = Json.object();
        Optional<DriverName> preferred = host.preferred(DriverKind.STORAGE);
        ArrayNode drivers = answer.putArray("drivers");
        drivers(host)
                .forEach(b -> drivers.addObject()
                        .put("name", b.id().name().value())
                        .put("ready", b.ready())
                        .put("why", b.why())
                        .put("preferred", preferred.equals(Optional.of(b.id().name())))
                        .put("layers", layersOf(host, b.id().name()).count())
                        .put("containers", containersOf(host, b.id().name()).count()));
        ArrayNode objects = answer.putArray("objects");
        images(host).forEach(i -> objects.add(object(host, i)));
        containers(host).forEach(c -> objects.add(object(host, c)));
        ArrayNode moves = answer.putArray("moves");
        host.moves().values().stream()
                .sorted(Comparator.comparing(m -> m.snapshot().value()))
                .forEach(m -> moves.add(move(host, m)));
        return answer;
    }

    private static Stream<DriverBinding> drivers(Host host) {
        return host.drivers().values().stream()
                .filter(b -> b.id().driverKind() == DriverKind.STORAGE)
                .sorted(Comparator.comparing(b -> b.id().name().value()));
    }

    private static Stream<Layer> layersOf(Host host, DriverName driver) {
        return host.layers().values().stream()
                .filter(l -> l.storage().equals(driver) && !l.snapshot().isAbsent());
    }

    private static Stream<Container> containersOf(Host host, DriverName driver) {
        return host.containers().values().stream()
                .filter(c -> c.spec().storage().equals(driver) && !c.rootfs().isAbsent());
    }

    private static Stream<Image> images(Host host) {
        return host.images().values().stream()
                .filter(Image::wanted)
                .sorted(Comparator.comparing((Image i) -> Names.of(i.id(), host)));
    }

    private static Stream<Container> containers(Host host) {
        return host.containers().values().stream().sorted(Comparator.comparing(Container::name));
    }

    private static ObjectNode object(Host host, Image image) {
        TreeSet<String> homes = new TreeSet<>();
        TreeSet<String> targets = new TreeSet<>();
        image.layers().forEach(spec -> {
            host.layer(spec.id()).ifPresent(l -> homes.add(l.storage().value()));
            pending(host, SnapshotKey.of(spec.id())).ifPresent(m -> targets.add(m.to().value()));
        });
        ObjectNode node = Json.object()
                .put("kind", "image")
                .put("id", image.id().value())
                .put("name", Names.of(image.id(), host));
        node.set("drivers", Json.array(List.copyOf(homes)));
        return node.put("movingTo", String.join(", ", targets));
    }

    private static ObjectNode object(Host host, Container c) {
        ObjectNode node =
                Json.object().put("kind", "container").put("id", c.id().value()).put("name", c.name());
        node.set("drivers", Json.array(List.of(c.spec().storage().value())));
        return node.put(
                "movingTo",
                pending(host, SnapshotKey.of(c.id())).map(m -> m.to().value()).orElse(""));
    }

    private static Optional<Move> pending(Host host, SnapshotKey snapshot) {
        return host.move(snapshot).filter(m -> !m.copied());
    }

    private static ObjectNode move(Host host, Move move) {
        return Json.object()
                .put("snapshot", move.snapshot().value())
                .put("kind", move.owner().kind())
                .put("name", Names.of(move.owner(), host))
                .put("from", move.from().value())
                .put("to", move.to().value())
                .put("copied", move.copied())
                .put("trouble", move.stall().map(s -> s.failure().message()).orElse(""));
    }

    // ---- how much

    private static ObjectNode usage(Agent agent) {
        Host host = agent.host();
        ArrayNode drivers = Json.array();
        drivers(host).forEach(b -> {
            DriverName name = b.id().name();
            long originals = host.moves().values().stream()
                    .filter(m -> m.copied() && m.from().equals(name))
                    .count();
            drivers.addObject()
                    .put("name", name.value())
                    .put("layers", layersOf(host, name).count())
                    .put(
                            "layerBytes",
                            layersOf(host, name).mapToLong(Layer::sizeBytes).sum())
                    .put("containers", containersOf(host, name).count())
                    .put(
                            "containerBytes",
                            containersOf(host, name)
                                    .mapToLong(c -> bytesOf(agent, c))
                                    .sum())
                    .put("originals", originals);
        });
        ObjectNode answer = Json.object();
        answer.set("drivers", drivers);
        return answer;
    }

    /** A container may go while others are measured. */
    private static long bytesOf(Agent agent, Container c) {
        try {
            return agent.streams().usage(c.id()).sizeBytes();
        } catch (DriverException e) {
            return 0;
        }
    }

    // ---- moving

    private static Answer migrate(Agent agent, Request request) {
        Host host = agent.host();
        DriverName to = new DriverName(request.query()
                .value("to")
                .filter(name -> !name.isEmpty())
                .orElseThrow(() -> Problem.invalid("say to which driver: to=NAME")));
        List<ImageId> images = new ArrayList<>();
        List<ContainerId> containers = new ArrayList<>();
        ArrayNode skipped = Json.array();
        if (request.query().flag("all", false)) {
            images(host).forEach(i -> images.add(i.id()));
            containers(host).filter(c -> !c.spec().storage().equals(to)).forEach(c -> {
                Optional<String> obstacle = StorageCommand.obstacle(c);
                obstacle.ifPresent(why -> skipped.add(c.name() + " " + why));
                if (obstacle.isEmpty()) {
                    containers.add(c.id());
                }
            });
        }
        for (String name : request.query().text("what").split(",")) {
            if (!name.isEmpty()) {
                Optional<Container> container = ContainerLookup.find(host, name);
                container.ifPresent(c -> containers.add(c.id()));
                if (container.isEmpty()) {
                    images.add(ImageLookup.find(host, name)
                            .orElseThrow(() -> Problem.missing("No such image or container: " + name))
                            .image()
                            .id());
                }
            }
        }
        if (images.isEmpty() && containers.isEmpty()) {
            throw Problem.invalid("say what to move: what=NAME,NAME or all=1");
        }
        ObjectNode answer = Json.object();
        ArrayNode ids = answer.putArray("objects");
        images.forEach(i -> ids.add(i.value()));
        containers.forEach(c -> ids.add(c.value()));
        answer.set("skipped", skipped);
        return Answer.later(agent.submit(new StorageCommand.Migrate(to, images, containers), request.cause())
                .thenApply(event -> Answer.json(answer)));
    }
}
