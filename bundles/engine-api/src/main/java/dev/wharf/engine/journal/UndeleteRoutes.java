package dev.wharf.engine.journal;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.core.agent.Agent;
import dev.wharf.core.command.Command;
import dev.wharf.core.command.ContainerCommand;
import dev.wharf.core.command.VolumeCommand;
import dev.wharf.core.event.Event;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Volume;
import dev.wharf.engine.http.Answer;
import dev.wharf.engine.http.Problem;
import dev.wharf.engine.http.Request;
import dev.wharf.engine.http.Router;
import dev.wharf.engine.http.Routes;
import dev.wharf.engine.json.Json;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;

/** Containers and volumes that were removed and are still kept: which there are, having one back, giving one up. */
public final class UndeleteRoutes implements Routes {
    private static final String ROOT = "/wharf/v1/undelete";
    private static final List<String> KINDS = List.of("container", "volume");

    private final Duration retention;

    public UndeleteRoutes(Duration retention) {
        this.retention = retention;
    }

    @Override
    public void addTo(Router router) {
        router.get(ROOT, (agent, request) -> Answer.json(list(agent.host())))
                .post(ROOT + "/{name}", this::undelete)
                .delete(ROOT + "/{name}", this::purge);
    }

    private ObjectNode list(Host host) {
        ObjectNode answer = Json.object().put("retention", retention.isZero() ? "" : retention.toString());
        ArrayNode lines = answer.putArray("kept");
        host.kept().values().stream()
                .sorted(Comparator.comparing((Container c) -> c.keepUntil().orElse(Instant.MAX)))
                .forEach(c -> lines.add(line("container", c.id().value(), c.name(), c.keepUntil())
                        .put("image", c.spec().imageReference())
                        .put("createdAt", c.createdAt().toString())));
        host.volumes().values().stream()
                .filter(Volume::isKept)
                .sorted(Comparator.comparing((Volume v) -> v.keptUntil().orElse(Instant.MAX)))
                .forEach(
                        v -> lines.add(line("volume", v.name().value(), v.name().value(), v.keptUntil())
                                .put("image", "")
                                .put("createdAt", v.createdAt().toString())));
        return answer;
    }

    private static ObjectNode line(String kind, String id, String name, Optional<Instant> until) {
        return Json.object()
                .put("kind", kind)
                .put("id", id)
                .put("name", name)
                .put("keptUntil", until.map(Object::toString).orElse(""));
    }

    /** The removed container of this name or beginning of an id; of several that had the name the last to be removed. */
    static Optional<Container> kept(Host host, String text) {
        return host.kept().values().stream()
                .filter(c -> c.name().equals(text)
                        || text.length() >= 4 && c.id().value().startsWith(text))
                .max(Comparator.comparing((Container c) -> c.keepUntil().orElse(Instant.MIN)));
    }

    private static Optional<Volume> keptVolume(Host host, String text) {
        return host.volumes().values().stream()
                .filter(v -> v.isKept() && v.name().value().equals(text))
                .findFirst();
    }

    private Answer undelete(Agent agent, Request request) {
        Host host = agent.host();
        String kind = HindsightRoutes.kind(request, KINDS);
        Optional<Container> container = kind.equals("volume") ? Optional.empty() : kept(host, request.name());
        if (container.isPresent()) {
            String name =
                    request.query().value("as").orElseGet(() -> container.get().name());
            return told(
                    agent.submit(new ContainerCommand.Undelete(container.get().id(), name), request.cause()),
                    "container",
                    container.get().id().value(),
                    name);
        }
        Volume volume = (kind.equals("container") ? Optional.<Volume>empty() : keptVolume(host, request.name()))
                .orElseThrow(() -> missing(request));
        return told(
                agent.submit(new VolumeCommand.Undelete(volume.name()), request.cause()),
                "volume",
                volume.name().value(),
                volume.name().value());
    }

    private Answer purge(Agent agent, Request request) {
        Host host = agent.host();
        String kind = HindsightRoutes.kind(request, KINDS);
        Optional<Container> container = kind.equals("volume") ? Optional.empty() : kept(host, request.name());
        Optional<Command> command = container
                .map(c -> (Command) new ContainerCommand.Purge(c.id()))
                .or(() -> kind.equals("container")
                        ? Optional.empty()
                        : keptVolume(host, request.name()).map(v -> new VolumeCommand.Purge(v.name())));
        return told(
                agent.submit(command.orElseThrow(() -> missing(request)), request.cause()),
                container.isPresent() ? "container" : "volume",
                container.map(c -> c.id().value()).orElse(request.name()),
                container.map(Container::name).orElse(request.name()));
    }

    private static Answer told(CompletionStage<Event> done, String kind, String id, String name) {
        return Answer.later(done.thenApply(event ->
                Answer.json(Json.object().put("kind", kind).put("id", id).put("name", name))));
    }

    private Problem missing(Request request) {
        return Problem.missing("nothing is kept of a removed container or volume " + request.name()
                + (retention.isZero()
                        ? "; wharf.undelete.retention is not set"
                        : "; wharf undelete --list shows what is"));
    }
}
