package dev.wharf.engine.system;

import dev.wharf.engine.http.Answer;
import dev.wharf.engine.http.Handler;
import dev.wharf.engine.http.Problem;
import dev.wharf.engine.http.Router;
import dev.wharf.engine.http.Routes;
import dev.wharf.engine.json.Filters;
import dev.wharf.engine.json.Json;
import java.util.List;
import java.util.Set;

/**
 * What the Engine API has and Wharf does not, each with an answer that says so: nothing here pretends. Routes that another
 * part serves are found there, because the router takes what was added first.
 */
public final class AbsentRoutes implements Routes {
    /** Docker's own words, which its clients look for. */
    public static final String NO_MANAGER =
            "This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm"
                    + " join\" to connect this node to swarm and try again.";

    private static final String NO_SWARM =
            "Wharf forms no swarm: each agent keeps one host; an orchestrator above it has to place containers";

    private static final List<String> SWARM_SUBJECTS = List.of("nodes", "services", "tasks", "secrets", "configs");

    @Override
    public void addTo(Router router) {
        addSwarm(router);
        addPlugins(router);
        String checkpoints = "checkpoints of processes are not served: freezing a container is (docker pause)";
        router.get("/containers/{name}/checkpoints", absent(checkpoints))
                .post("/containers/{name}/checkpoints", absent(checkpoints))
                .delete("/containers/{name}/checkpoints/{checkpoint}", absent(checkpoints));
        router.get("/images/search", absent("searching a registry is not served; ask the registry's own catalogue"));
        router.get(
                "/images/{name}/attestations",
                absent("attestations are not kept apart from their image; read the image's index in its registry"));
    }

    private static Handler absent(String why) {
        return (agent, request) -> Answer.error(501, why);
    }

    private static void addSwarm(Router router) {
        Handler noManager = (agent, request) -> Answer.error(503, NO_MANAGER);
        for (String subject : SWARM_SUBJECTS) {
            router.get("/" + subject, noManager)
                    .post("/" + subject + "/create", noManager)
                    .get("/" + subject + "/{name}/logs", noManager)
                    .post("/" + subject + "/{name}/update", noManager)
                    .get("/" + subject + "/{name}", noManager)
                    .delete("/" + subject + "/{name}", noManager);
        }
        router.get("/swarm", noManager)
                .get("/swarm/unlockkey", noManager)
                .post("/swarm/update", noManager)
                .post("/swarm/unlock", noManager)
                .post("/swarm/leave", (agent, request) -> Answer.error(503, "This node is not part of a swarm"))
                .post("/swarm/init", absent(NO_SWARM))
                .post("/swarm/join", absent(NO_SWARM));
    }

    private static void addPlugins(Router router) {
        String none = "Docker's managed plugins are not served; Wharf's drivers are bundles (wharf driver ls)";
        Handler missing = (agent, request) -> {
            throw Problem.missing("plugin \"" + request.name() + "\" not found");
        };
        router.get("/plugins", (agent, request) -> {
                    Filters.parse(request.query().text("filters"), Set.of("capability", "enabled"));
                    return Answer.json(Json.array());
                })
                .get("/plugins/privileges", absent(none))
                .post("/plugins/pull", absent(none))
                .upload("POST", "/plugins/create", absent(none))
                .get("/plugins/{name}/json", missing)
                .delete("/plugins/{name}", missing);
        for (String verb : List.of("enable", "disable", "upgrade", "push", "set")) {
            router.post("/plugins/{name}/" + verb, missing);
        }
    }
}
