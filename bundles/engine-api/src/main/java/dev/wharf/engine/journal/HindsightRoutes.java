package dev.wharf.engine.journal;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.core.agent.Agent;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.Image;
import dev.wharf.core.state.Network;
import dev.wharf.core.state.Volume;
import dev.wharf.engine.containers.ContainerLookup;
import dev.wharf.engine.containers.ContainerShapes;
import dev.wharf.engine.http.Answer;
import dev.wharf.engine.http.Problem;
import dev.wharf.engine.http.Request;
import dev.wharf.engine.http.Router;
import dev.wharf.engine.http.Routes;
import dev.wharf.engine.images.ImageLookup;
import dev.wharf.engine.images.ImageShapes;
import dev.wharf.engine.json.Json;
import dev.wharf.engine.networks.NetworkRoutes;
import dev.wharf.engine.volumes.VolumeRoutes;
import dev.wharf.model.VolumeName;
import java.io.IOException;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * What only a journal can answer: the host as it was, what changed between two moments, who asked for something and why it
 * ended, and how a container was run. Things of the past are shown in the shapes of the Engine API.
 */
public final class HindsightRoutes implements Routes {
    private static final String ROOT = "/wharf/v1";

    private interface Reply {
        JsonNode body() throws IOException;
    }

    @Override
    public void addTo(Router router) {
        router.get(ROOT + "/containers", (agent, request) -> later(request, () -> containers(agent, request)))
                .get(ROOT + "/inspect/{name}", (agent, request) -> later(request, () -> inspect(agent, request)))
                .get(ROOT + "/diff", (agent, request) -> later(request, () -> difference(agent, request)))
                .get(ROOT + "/why/{name}", (agent, request) -> later(request, () -> Reasons.of(agent, request.name())))
                .get(ROOT + "/as-run/{name}", (agent, request) -> later(request, () -> asRun(agent, request)));
    }

    private static Answer later(Request request, Reply reply) {
        return Answer.later(request.transfer(() -> {
            try {
                return Answer.json(reply.body());
            } catch (IOException e) {
                throw Place.unreadable(e);
            }
        }));
    }

    /** As {@code GET /containers/json}, beside the moment it was so. */
    private static ObjectNode containers(Agent agent, Request request) throws IOException {
        Then then = Then.of(agent, request, "at");
        boolean all = request.query().flag("all", false);
        ContainerShapes shapes = new ContainerShapes(then.host(), request.version());
        ObjectNode answer = then.describe();
        ArrayNode lines = answer.putArray("containers");
        then.host().containers().values().stream()
                .filter(c -> all || c.isRunning() || c.isRestarting())
                .sorted(Comparator.comparing(Container::createdAt).reversed())
                .forEach(c -> lines.add(shapes.summary(c, then.at(), Optional.empty())));
        return answer;
    }

    /** As the Engine API's inspect of a container, image, network or volume, beside the moment it was so. */
    private static ObjectNode inspect(Agent agent, Request request) throws IOException {
        Then then = Then.of(agent, request, "at");
        String name = request.name();
        String kind = kind(request, List.of("container", "image", "network", "volume"));
        ObjectNode answer = then.describe();
        Optional<Container> container =
                isAsked(kind, "container") ? ContainerLookup.find(then.host(), name) : Optional.empty();
        if (container.isPresent()) {
            answer.put("kind", "container");
            return answer.set(
                    "object",
                    new ContainerShapes(then.host(), request.version())
                            .inspect(container.get(), Optional.empty(), Optional.empty()));
        }
        Optional<Network> network = isAsked(kind, "network")
                ? then.host()
                        .networkNamed(name)
                        .or(() -> then.host().networks().values().stream()
                                .filter(n -> name.length() > 3 && n.id().value().startsWith(name))
                                .findFirst())
                : Optional.empty();
        if (network.isPresent()) {
            answer.put("kind", "network");
            return answer.set("object", NetworkRoutes.inspection(then.host(), network.get()));
        }
        Optional<Volume> volume = isAsked(kind, "volume")
                ? then.host().volumes().values().stream()
                        .filter(v -> v.wanted() && v.name().equals(volumeName(name)))
                        .findFirst()
                : Optional.empty();
        if (volume.isPresent()) {
            answer.put("kind", "volume");
            return answer.set("object", VolumeRoutes.shape(volume.get()));
        }
        Optional<Image> image = isAsked(kind, "image")
                ? ImageLookup.find(then.host(), name).map(ImageLookup.Found::image)
                : Optional.empty();
        if (image.isPresent()) {
            answer.put("kind", "image");
            return answer.set("object", ImageShapes.inspect(then.host(), image.get(), request.version(), ""));
        }
        throw Problem.missing("no " + (kind.isEmpty() ? "container, image, network or volume" : kind) + " was called "
                + name + " at " + then.at() + "; wharf why " + name + " tells when there was one");
    }

    /** The kind of thing that is asked for, empty for any. */
    static String kind(Request request, List<String> kinds) {
        String kind = request.query().text("kind");
        if (!kind.isEmpty() && !kinds.contains(kind)) {
            int last = kinds.size() - 1;
            throw Problem.invalid("invalid value \"" + kind + "\" of query parameter \"kind\": expected "
                    + String.join(", ", kinds.subList(0, last)) + " or " + kinds.get(last));
        }
        return kind;
    }

    private static boolean isAsked(String kind, String of) {
        return kind.isEmpty() || kind.equals(of);
    }

    private static Object volumeName(String text) {
        try {
            return new VolumeName(text);
        } catch (IllegalArgumentException e) {
            return text;
        }
    }

    private static ObjectNode difference(Agent agent, Request request) throws IOException {
        if (request.query().value("from").isEmpty()) {
            throw Problem.invalid("the query parameter \"from\" is missing: the earlier of two moments");
        }
        Then from = Then.of(agent, request, "from");
        Then to = Then.of(agent, request, "to");
        ObjectNode answer = Json.object();
        answer.set("from", from.describe());
        answer.set("to", to.describe());
        return answer.set("changes", Differences.between(from.host(), to.host()));
    }

    private static ObjectNode asRun(Agent agent, Request request) throws IOException {
        Then then = Then.of(agent, request, "at");
        Container container = ContainerLookup.find(then.host(), request.name())
                .or(() -> UndeleteRoutes.kept(then.host(), request.name()))
                .orElseThrow(() -> Problem.missing("No such container: " + request.name()
                        + (request.query().value("at").isPresent() ? " at " + then.at() : "")));
        AsRun line = new AsRun(then.host(), container);
        ObjectNode answer = then.describe()
                .put("name", container.name())
                .put("id", container.id().value())
                .put("line", line.line());
        answer.set("words", Json.array(line.words()));
        return answer.set("notes", Json.array(line.notes()));
    }
}
