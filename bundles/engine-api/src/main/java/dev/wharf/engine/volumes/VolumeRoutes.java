package dev.wharf.engine.volumes;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.RefusedException;
import dev.wharf.core.command.Entropy;
import dev.wharf.core.command.HostCommand;
import dev.wharf.core.command.Refusal;
import dev.wharf.core.command.VolumeCommand;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Volume;
import dev.wharf.engine.archive.Trees;
import dev.wharf.engine.http.Answer;
import dev.wharf.engine.http.Body;
import dev.wharf.engine.http.Problem;
import dev.wharf.engine.http.Problems;
import dev.wharf.engine.http.Request;
import dev.wharf.engine.http.Router;
import dev.wharf.engine.http.Routes;
import dev.wharf.engine.http.Sweep;
import dev.wharf.engine.json.Filters;
import dev.wharf.engine.json.Json;
import dev.wharf.engine.system.AbsentRoutes;
import dev.wharf.model.DriverName;
import dev.wharf.model.VolumeName;
import dev.wharf.model.VolumeSpec;
import java.nio.file.Path;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/** {@code /volumes}. */
public final class VolumeRoutes implements Routes {
    private static final Set<String> LIST_FILTERS = Set.of("dangling", "driver", "label", "label!", "name");
    private static final Set<String> PRUNE_FILTERS = Set.of("label", "label!", "all");
    private static final String ANONYMOUS = "com.docker.volume.anonymous";

    private final Trees trees;

    private final Duration retention;

    /** @param retention how long the data of what is removed can be had back */
    public VolumeRoutes(Trees trees, Duration retention) {
        this.trees = trees;
        this.retention = retention;
    }

    @Override
    public void addTo(Router router) {
        router.get("/volumes", VolumeRoutes::list)
                .post("/volumes/create", VolumeRoutes::create)
                .post("/volumes/prune", this::prune)
                .get("/volumes/{name}", (agent, request) -> Answer.json(shape(find(agent.host(), request.name()))))
                .put(
                        "/volumes/{name}",
                        (agent, request) -> Answer.error(
                                503, "volume update only valid for cluster volumes, but swarm is unavailable"))
                .delete("/volumes/{name}", this::remove);
    }

    private static Volume find(Host host, String name) {
        return name(name)
                .flatMap(host::volume)
                .filter(Volume::wanted)
                .orElseThrow(() -> Problem.missing("get " + name + ": no such volume"));
    }

    private static Optional<VolumeName> name(String text) {
        try {
            return Optional.of(new VolumeName(text));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    /** A volume as Docker shows it. */
    public static ObjectNode shape(Volume volume) {
        Map<String, String> labels = new LinkedHashMap<>(volume.spec().labels());
        if (volume.spec().anonymous()) {
            labels.put(ANONYMOUS, "");
        }
        ObjectNode node = Json.object()
                // Docker tells whole seconds of volumes, and there are programs that read no more.
                .put(
                        "CreatedAt",
                        volume.createdAt().truncatedTo(ChronoUnit.SECONDS).toString())
                .put("Driver", volume.spec().driver().value());
        node.set("Labels", labels.isEmpty() ? null : Json.map(labels));
        node.put("Mountpoint", volume.path().last().map(Path::toString).orElse(""))
                .put("Name", volume.name().value());
        node.set(
                "Options",
                volume.spec().options().isEmpty()
                        ? null
                        : Json.map(volume.spec().options()));
        return node.put("Scope", "local");
    }

    private static Answer list(Agent agent, Request request) {
        Host host = agent.host();
        Filters filters = Filters.parse(request.query().text("filters"), LIST_FILTERS);
        ArrayNode volumes = Json.array();
        host.volumes().values().stream()
                .filter(Volume::wanted)
                .filter(v -> filters.any("name", n -> isNamed(v, n)))
                .filter(v ->
                        filters.any("driver", d -> d.equals(v.spec().driver().value())))
                .filter(v -> filters.flag("dangling")
                        .map(wanted -> wanted == host.usersOf(v.name()).isEmpty())
                        .orElse(true))
                .filter(v -> filters.labels(v.spec().labels()))
                .sorted(Comparator.comparing(v -> v.name().value()))
                .forEach(v -> volumes.add(shape(v)));
        ObjectNode answer = Json.object();
        answer.set("Volumes", volumes);
        return Answer.json(answer.set("Warnings", null));
    }

    /** Docker takes the filter for a regular expression; what is none is a part of the name. */
    private static boolean isNamed(Volume volume, String wanted) {
        String name = volume.name().value();
        try {
            return name.contains(wanted)
                    || Pattern.compile(wanted).matcher(name).find();
        } catch (PatternSyntaxException e) {
            return false;
        }
    }

    private static Answer create(Agent agent, Request request) {
        Body body = request.json();
        if (request.version().atLeast(42) && body.has("ClusterVolumeSpec")) {
            throw Problem.unavailable(AbsentRoutes.NO_MANAGER);
        }
        String wanted = body.text("Name");
        VolumeName name;
        if (wanted.isEmpty()) {
            name = new VolumeName(Entropy.fresh().hex("volume"));
        } else if (wanted.length() < 2) {
            throw Problem.invalid("create " + wanted
                    + ": volume name is too short, names should be at least two alphanumeric characters");
        } else {
            name = name(wanted)
                    .orElseThrow(() -> Problem.invalid("create " + wanted + ": \"" + wanted
                            + "\" includes invalid characters for a local volume name, only"
                            + " \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a host directory, use"
                            + " absolute path"));
        }
        VolumeSpec spec;
        try {
            spec = new VolumeSpec(
                    name,
                    new DriverName(body.optionalText("Driver")
                            .filter(d -> !d.isEmpty())
                            .orElse("local")),
                    body.map("DriverOpts"),
                    body.map("Labels"),
                    wanted.isEmpty());
        } catch (IllegalArgumentException e) {
            throw Problem.invalid(String.valueOf(e.getMessage()));
        }
        return Answer.later(agent.submit(new VolumeCommand.Create(spec), request.cause())
                .handle((event, thrown) -> {
                    // One that is there already is what the client wanted.
                    if (thrown == null || isUnchanged(thrown)) {
                        return Answer.json(201, shape(find(agent.host(), name.value())));
                    }
                    return Problems.answer(thrown);
                }));
    }

    private static boolean isUnchanged(Throwable thrown) {
        return Problems.cause(thrown) instanceof RefusedException refused
                && refused.refusal().kind() == Refusal.Kind.UNCHANGED;
    }

    private Answer remove(Agent agent, Request request) {
        boolean force = request.query().flag("force", false);
        Optional<VolumeName> name = name(request.name());
        if (name.isEmpty()) {
            throw Problem.missing("get " + request.name() + ": no such volume");
        }
        return Answer.later(agent.submit(new VolumeCommand.Remove(name.get(), force, retention), request.cause())
                .handle((event, thrown) ->
                        thrown == null || isUnchanged(thrown) ? Answer.empty(204) : Problems.answer(thrown)));
    }

    private Answer prune(Agent agent, Request request) {
        Host host = agent.host();
        Filters filters = Filters.parse(request.query().text("filters"), PRUNE_FILTERS);
        // Since API 1.42 only volumes that containers made for themselves go, unless all are asked for.
        boolean all = !request.version().atLeast(42) || filters.flag("all").orElse(false);
        List<Volume> chosen = host.volumes().values().stream()
                .filter(v -> v.wanted() && host.usersOf(v.name()).isEmpty())
                .filter(v -> all || v.spec().anonymous())
                .filter(v -> filters.labels(v.spec().labels()))
                .toList();
        return Answer.later(Sweep.all(request, chosen, volume -> {
                    // What is kept gives no room back yet.
                    long size = retention.isZero() || volume.spec().hasDevice()
                            ? Math.max(
                                    0,
                                    volume.path().value().map(trees::sizeBytes).orElse(0L))
                            : 0;
                    return agent.submit(new VolumeCommand.Remove(volume.name(), false, retention), request.cause())
                            .thenApply(event -> new Sweep.Pruned(volume.name().value(), size));
                })
                .thenApply(pruned -> {
                    long reclaimed = Sweep.bytes(pruned);
                    agent.submit(new HostCommand.NotePrune("volume", reclaimed), request.cause());
                    ObjectNode answer = Json.object();
                    answer.set(
                            "VolumesDeleted",
                            Json.array(pruned.stream().map(Sweep.Pruned::name).toList()));
                    return Answer.json(answer.put("SpaceReclaimed", reclaimed));
                }));
    }
}
