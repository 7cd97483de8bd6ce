package dev.wharf.engine.archive;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import dev.wharf.core.agent.Agent;
import dev.wharf.core.command.ContainerCommand;
import dev.wharf.core.state.Container;
import dev.wharf.engine.containers.ContainerLookup;
import dev.wharf.engine.containers.Leaving;
import dev.wharf.engine.http.Answer;
import dev.wharf.engine.http.Request;
import dev.wharf.engine.http.Router;
import dev.wharf.engine.http.Routes;
import dev.wharf.engine.json.Json;
import dev.wharf.model.FileChange;
import dev.wharf.model.FileChange.Kind;
import dev.wharf.oci.layer.Packer;
import dev.wharf.spi.DriverException;
import java.io.InputStream;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What a container made of its image, as paths and as a tar. */
public final class ContentRoutes implements Routes {
    /** What is in every container before anything runs in it; nobody changed anything there. */
    private static final Set<String> GROUND = Set.of(
            "/dev",
            "/dev/console",
            "/dev/mqueue",
            "/dev/pts",
            "/dev/shm",
            "/proc",
            "/sys",
            "/etc/hostname",
            "/etc/hosts",
            "/etc/mtab",
            "/etc/resolv.conf",
            "/.dockerenv");

    private final Trees trees;

    public ContentRoutes(Trees trees) {
        this.trees = trees;
    }

    @Override
    public void addTo(Router router) {
        router.get("/containers/{name}/changes", ContentRoutes::changes).get("/containers/{name}/export", this::export);
    }

    private static Answer changes(Agent agent, Request request) {
        Container c = ContainerLookup.get(agent.host(), request.name());
        return Answer.later(request.work(Leaving.aware(
                agent, c, () -> Answer.json(list(agent.streams().changes(c.id()))))));
    }

    private static int number(Kind kind) {
        return switch (kind) {
            case MODIFIED -> 0;
            case ADDED -> 1;
            case DELETED -> 2;
        };
    }

    private static JsonNode list(List<FileChange> changes) {
        ArrayNode list = Json.array();
        for (FileChange change : changes) {
            boolean own = !GROUND.contains(change.path()) || change.kind() == Kind.DELETED;
            if (own && !isOnlyAWay(change, changes)) {
                list.addObject()
                        .put("Path", change.path())
                        .put("Kind", change.kind().ordinal());
            }
        }
        return list.isEmpty() ? Json.object().nullNode() : list;
    }

    /** Whether a directory is there or touched only because there is a mount point in it. */
    private static boolean isOnlyAWay(FileChange change, List<FileChange> changes) {
        String prefix = change.path() + "/";
        List<FileChange> below =
                changes.stream().filter(c -> c.path().startsWith(prefix)).toList();
        return !below.isEmpty()
                && change.kind() != Kind.DELETED
                && GROUND.stream().anyMatch(p -> p.startsWith(prefix))
                && below.stream()
                        .allMatch(c -> GROUND.contains(c.path())
                                || GROUND.stream().anyMatch(p -> p.startsWith(c.path() + "/")));
    }

    private Answer export(Agent agent, Request request) throws DriverException {
        Container c = ContainerLookup.get(agent.host(), request.name());
        TarAnswer answer = new TarAnswer(request);
        return answer.after(Leaving.aware(
                agent,
                c,
                () -> agent.streams().grounded(c.id(), rootfs -> {
                    try (InputStream tar = Packer.everything(trees.open(rootfs))) {
                        agent.submit(new ContainerCommand.Note(c.id(), "export", Map.of()), request.cause());
                        answer.send(Map.of(), tar);
                    }
                    return c;
                })));
    }
}
