package dev.wharf.engine.containers;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.FailedException;
import dev.wharf.core.agent.RefusedException;
import dev.wharf.core.command.Command;
import dev.wharf.core.command.ContainerCommand;
import dev.wharf.core.command.Entropy;
import dev.wharf.core.command.HostCommand;
import dev.wharf.core.command.Refusal;
import dev.wharf.core.event.Event;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Image;
import dev.wharf.engine.http.Answer;
import dev.wharf.engine.http.ApiVersion;
import dev.wharf.engine.http.Body;
import dev.wharf.engine.http.Problem;
import dev.wharf.engine.http.Problems;
import dev.wharf.engine.http.Request;
import dev.wharf.engine.http.Router;
import dev.wharf.engine.http.Routes;
import dev.wharf.engine.http.Sweep;
import dev.wharf.engine.images.ImageLookup;
import dev.wharf.engine.images.ImageRoutes;
import dev.wharf.engine.images.Lineage;
import dev.wharf.engine.json.Filters;
import dev.wharf.engine.json.Json;
import dev.wharf.engine.json.Remembered;
import dev.wharf.engine.json.Times;
import dev.wharf.model.ContainerId;
import dev.wharf.model.ContainerSpec;
import dev.wharf.model.Platform;
import dev.wharf.model.PublishedPort;
import dev.wharf.model.Resources;
import dev.wharf.model.RestartPolicy;
import dev.wharf.model.Signal;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.storage.Usage;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.stream.Stream;

/** {@code /containers}: everything but streams. */
public final class ContainerRoutes implements Routes {
    /** The longest body of a start that is let pass: clients send <code>{}</code> and <code>null</code>. */
    private static final int NO_SETTINGS = 7;

    private static final Set<String> LIST_FILTERS = Set.of(
            "ancestor",
            "before",
            "expose",
            "exited",
            "health",
            "id",
            "isolation",
            "is-task",
            "label",
            "label!",
            "name",
            "network",
            "publish",
            "since",
            "status",
            "volume");
    private static final Set<String> PRUNE_FILTERS = Set.of("label", "label!", "until");

    private final Duration retention;
    private final Path dataRoot;
    private final Lines lines = new Lines();
    private final Remembered details = new Remembered();

    /**
     * @param retention how long the files of what is removed can be had back
     * @param dataRoot where the agent's own mounts lie, which a bind must not hold on to
     */
    public ContainerRoutes(Duration retention, Path dataRoot) {
        this.retention = retention;
        this.dataRoot = dataRoot;
    }

    @Override
    public void addTo(Router router) {
        router.get("/containers/json", this::list)
                .post("/containers/create", this::create)
                .post("/containers/prune", this::prune)
                .get("/containers/{name}/json", this::inspect)
                .post("/containers/{name}/start", ContainerRoutes::start)
                .post("/containers/{name}/stop", ContainerRoutes::stop)
                .post("/containers/{name}/restart", ContainerRoutes::restart)
                .post("/containers/{name}/kill", ContainerRoutes::kill)
                .post(
                        "/containers/{name}/pause",
                        (agent, request) -> done(
                                agent,
                                request,
                                new ContainerCommand.Pause(found(agent, request).id())))
                .post("/containers/{name}/unpause", ContainerRoutes::unpause)
                .post("/containers/{name}/rename", ContainerRoutes::rename)
                .post("/containers/{name}/update", ContainerRoutes::update)
                .post("/containers/{name}/wait", Waiting::handle)
                .get("/containers/{name}/top", Top::handle)
                .get("/containers/{name}/stats", Stats::handle)
                .delete("/containers/{name}", this::remove);
    }

    static Container found(Agent agent, Request request) {
        return ContainerLookup.get(agent.host(), request.name());
    }

    /** The container a request names, which has to run. */
    static Container running(Agent agent, Request request) {
        Container c = found(agent, request);
        if (c.isRestarting()) {
            throw restarting(c);
        }
        if (!c.isRunning()) {
            throw Problem.conflict("container " + c.id() + " is not running");
        }
        return c;
    }

    static Problem restarting(Container c) {
        return Problem.conflict("Container " + c.id() + " is restarting, wait until the container is running");
    }

    /** That a container is not paused Docker tells as a fault of its own, and clients know it by that. */
    private static Answer unpause(Agent agent, Request request) {
        Command resume = new ContainerCommand.Resume(found(agent, request).id());
        return Answer.later(agent.submit(resume, request.cause()).handle((event, refused) -> {
            if (refused == null) {
                return Answer.empty(204);
            }
            Problem problem = Problems.of(refused);
            return Answer.error(problem.status() == 409 ? 500 : problem.status(), problem.message());
        }));
    }

    private static Answer done(Agent agent, Request request, Command command) {
        return Answer.later(agent.submit(command, request.cause()).thenApply(event -> Answer.empty(204)));
    }

    // ---- reading

    private Answer list(Agent agent, Request request) {
        Host host = agent.host();
        Filters filters = Filters.parse(request.query().text("filters"), LIST_FILTERS);
        long limit = request.query().number("limit").orElse(0L);
        boolean all = request.query().flag("all", false) || limit > 0 || filters.has("status");
        Selection selection = new Selection(host, filters);
        List<Container> chosen = lines.newestFirst(host).stream()
                .filter(c -> all || c.isRunning() || c.isRestarting())
                .filter(filters.values().isEmpty() ? c -> true : selection::takes)
                .limit(limit > 0 ? limit : Long.MAX_VALUE)
                .toList();
        if (request.query().flag("size", false)) {
            return Answer.later(request.work(() -> measured(agent, host, request.version(), chosen)));
        }
        return Answer.json(200, lines.list(host, request.version(), chosen, Instant.now()));
    }

    private static Answer measured(Agent agent, Host host, ApiVersion version, List<Container> chosen) {
        ContainerShapes shapes = new ContainerShapes(host, version);
        Instant now = Instant.now();
        ArrayNode lines = Json.array();
        for (Container c : chosen) {
            lines.add(shapes.summary(c, now, usage(agent, c.id())));
        }
        return Answer.json(lines);
    }

    private static Optional<Usage> usage(Agent agent, ContainerId id) {
        try {
            return Optional.of(agent.streams().usage(id));
        } catch (DriverException e) {
            return Optional.empty();
        }
    }

    private Answer inspect(Agent agent, Request request) {
        Host host = agent.host();
        Container c = ContainerLookup.get(host, request.name());
        ContainerShapes shapes = new ContainerShapes(host, request.version());
        Optional<Path> log = log(agent, c);
        if (request.query().flag("size", false)) {
            return Answer.later(request.work(() -> Answer.json(shapes.inspect(c, usage(agent, c.id()), log))));
        }
        return Answer.json(
                200,
                details.json(
                        c.id() + " " + request.version() + " "
                                + log.map(Path::toString).orElse(""),
                        // Of others it tells only whom it is linked to.
                        List.of(
                                c,
                                host.networks(),
                                host.volumes(),
                                c.spec().networking().links().isEmpty() ? this : host.containers()),
                        () -> shapes.inspect(c, Optional.empty(), log)));
    }

    private static Optional<Path> log(Agent agent, Container c) {
        try {
            return Optional.of(agent.streams().logFile(c.id()));
        } catch (DriverException e) {
            return Optional.empty();
        }
    }

    // ---- life

    private Answer create(Agent agent, Request request) {
        Body body = Since.container(request.json(), request.version());
        Entropy entropy = Entropy.fresh();
        ContainerId id = new ContainerId(entropy.hex("container"));
        String wanted = request.query().text("name");
        String name = wanted.isEmpty()
                ? Nicknames.free(agent.host(), entropy)
                : wanted.startsWith("/") ? wanted.substring(1) : wanted;
        Optional<Platform> platform = request.version().atLeast(41) ? ImageRoutes.platform(request) : Optional.empty();
        ContainerSpec spec = new Creation(
                        agent.host(), id, body, entropy, platform, Optional.of(dataRoot), request.version())
                .spec();
        return Answer.later(create(agent, request, new ContainerCommand.Create(id, name, spec), wanted.isEmpty())
                .thenApply(event -> {
                    ObjectNode answer = Json.object().put("Id", id.value());
                    List<String> warnings = warnings(agent.host(), spec, body.body("HostConfig"));
                    if (request.version().atLeast(44)
                            && !body.text("MacAddress").isEmpty()) {
                        warnings.add("The container-wide MacAddress field is now deprecated. It should be specified in"
                                + " EndpointsConfig instead.");
                    }
                    DeviceSettings.of(body.body("HostConfig")).moved().ifPresent(warnings::add);
                    if (platform.isEmpty()) {
                        agent.host()
                                .image(spec.image())
                                .flatMap(ContainerRoutes::foreign)
                                .ifPresent(warnings::add);
                    }
                    answer.set("Warnings", Json.array(warnings));
                    return Answer.json(201, answer);
                }));
    }

    /** Who gave no name gets another one where somebody else was quicker with the first. */
    private static CompletionStage<Event> create(
            Agent agent, Request request, ContainerCommand.Create wish, boolean anyName) {
        return agent.submit(wish, request.cause())
                .handle((event, thrown) -> {
                    if (thrown == null) {
                        return CompletableFuture.completedFuture(event);
                    }
                    boolean taken = anyName
                            && Problems.cause(thrown) instanceof RefusedException
                            && agent.host().containerNamed(wish.name()).isPresent();
                    return taken
                            ? create(
                                    agent,
                                    request,
                                    new ContainerCommand.Create(
                                            wish.container(),
                                            Nicknames.free(agent.host(), Entropy.fresh()),
                                            wish.spec()),
                                    true)
                            : CompletableFuture.<Event>failedFuture(thrown);
                })
                .thenCompose(done -> done);
    }

    /** That an image is made for other processors than this host's, where nobody asked for those. */
    private static Optional<String> foreign(Image image) {
        Platform offered = image.config().platform();
        Platform here = Platform.host();
        return here.runs(offered)
                ? Optional.empty()
                : Optional.of("The requested image's platform (" + offered + ") does not match the detected host"
                        + " platform (" + here + ") and no specific platform was requested");
    }

    private static List<String> warnings(Host host, ContainerSpec spec, Body hostConfig) {
        List<String> warnings =
                new ArrayList<>(new HostSettings(host, hostConfig).limits().warnings());
        if (spec.networking().sandbox().kind() == ContainerSpec.Namespace.Kind.HOST
                && !hostConfig.keys("PortBindings").isEmpty()) {
            warnings.add("Published ports are discarded when using host network mode");
        }
        return warnings;
    }

    private static Answer start(Agent agent, Request request) {
        if (request.size() > NO_SETTINGS) {
            throw Problem.invalid("starting container with non-empty request body was deprecated since API v1.22 and"
                    + " removed in v1.24");
        }
        if (!request.query().text("checkpoint").isEmpty()) {
            throw Problem.invalid("checkpoint is only supported in experimental mode");
        }
        Container c = found(agent, request);
        CompletableFuture<Answer> answer = new CompletableFuture<>();
        agent.submit(new ContainerCommand.Start(c.id(), Entropy.fresh()), request.cause())
                .whenComplete((event, thrown) -> {
                    if (thrown == null) {
                        answer.complete(Answer.empty(204));
                    } else if (isHopeless(thrown) && c.spec().autoRemove()) {
                        // It never ran, so no end of its process will take it away, which the client waits for.
                        agent.submit(new ContainerCommand.Remove(c.id(), false, true), request.cause())
                                .whenComplete((removed, trouble) -> answer.complete(startProblem(thrown)));
                    } else {
                        answer.complete(startProblem(thrown));
                    }
                });
        return Answer.later(answer);
    }

    /** Whether a start was refused for what stands in its way, such as a port that is taken. */
    private static boolean isHopeless(Throwable thrown) {
        return Problems.cause(thrown) instanceof RefusedException refused
                && refused.refusal().kind() != Refusal.Kind.UNCHANGED;
    }

    /** What cannot be run is the client's fault, and what the host cannot do is not; clients tell them apart by the status. */
    private static Answer startProblem(Throwable thrown) {
        if (Problems.cause(thrown) instanceof FailedException failed) {
            String text = failed.failure().message();
            boolean clients = text.contains("executable file not found")
                    || text.contains("no such file or directory")
                    || text.contains("permission denied")
                    || text.contains("is a directory");
            // Such as a network that was removed since.
            int otherwise = failed.failure().kind() == Failure.Kind.MISSING ? 404 : 500;
            return Answer.error(clients ? 400 : otherwise, text);
        }
        return Problems.answer(thrown);
    }

    private static Optional<Duration> grace(Request request) {
        return request.query().number("t").map(Duration::ofSeconds);
    }

    /** Clients before API 1.42 could not say how a container is stopped. */
    private static Optional<Signal> signal(Request request, String otherwise) {
        if (!request.version().atLeast(42)) {
            return Optional.empty();
        }
        return request.query().value("signal").map(text -> {
            try {
                return Signal.parse(text);
            } catch (IllegalArgumentException e) {
                throw Problem.invalid(otherwise + request.name() + ": invalid signal: " + text);
            }
        });
    }

    private static Answer stop(Agent agent, Request request) {
        ContainerId id = found(agent, request).id();
        Optional<Signal> signal = signal(request, "cannot stop container: ");
        return done(agent, request, new ContainerCommand.Stop(id, signal, grace(request)));
    }

    private static Answer restart(Agent agent, Request request) {
        ContainerId id = found(agent, request).id();
        Optional<Signal> signal = signal(request, "Cannot restart container ");
        return Answer.later(
                agent.submit(new ContainerCommand.Restart(id, signal, grace(request), Entropy.fresh()), request.cause())
                        .handle((event, thrown) -> thrown == null ? Answer.empty(204) : startProblem(thrown)));
    }

    private static Answer kill(Agent agent, Request request) {
        Container c = killable(agent, request);
        Signal signal = request.query()
                .value("signal")
                .map(text -> killing(request.name(), text))
                .orElse(Signal.KILL);
        Problem over = Problem.conflict(
                "cannot kill container: " + request.name() + ": container " + c.id() + " is not running");
        if (!c.isRunning() && !c.isRestarting()) {
            throw over;
        }
        return Answer.later(agent.submit(new ContainerCommand.Kill(c.id(), signal), request.cause())
                .handle((event, thrown) -> thrown == null
                        ? Answer.empty(204)
                        // It ended while the signal was on its way.
                        : Problems.answer(isMissing(thrown) ? over : thrown)));
    }

    /** The container to kill; where there is none, the answer says what was not done. */
    private static Container killable(Agent agent, Request request) {
        try {
            return found(agent, request);
        } catch (Problem e) {
            throw new Problem(e.status(), "cannot kill container: " + request.name() + ": " + e.getMessage());
        }
    }

    private static boolean isMissing(Throwable thrown) {
        return Problems.cause(thrown) instanceof FailedException failed
                && failed.failure().kind() == Failure.Kind.MISSING;
    }

    private static Signal killing(String container, String text) {
        try {
            return Signal.parse(text);
        } catch (IllegalArgumentException e) {
            throw Problem.invalid("cannot kill container: " + container + ": "
                    + (text.matches("-?[1-9]\\d*")
                            ? "the linux daemon does not support signal " + text
                            : "invalid signal: " + text));
        }
    }

    private static Answer rename(Agent agent, Request request) {
        String name = request.query().text("name");
        if (name.isEmpty()) {
            throw Problem.invalid("Neither old nor new names may be empty");
        }
        return done(
                agent,
                request,
                new ContainerCommand.Rename(
                        found(agent, request).id(), name.startsWith("/") ? name.substring(1) : name));
    }

    /** Processors are limited by a number of them or by period and quota; the one that was begun with stays. */
    private static Optional<String> conflicting(Body body, Resources old) {
        if (old.nanoCpus() > 0 && body.number("CpuPeriod") > 0) {
            return Optional.of("CPU Period cannot be updated as NanoCPUs has already been set");
        }
        if (old.nanoCpus() > 0 && body.number("CpuQuota") > 0) {
            return Optional.of("CPU Quota cannot be updated as NanoCPUs has already been set");
        }
        if (body.number("NanoCpus") > 0 && old.cpuPeriodMicros() > 0) {
            return Optional.of("Nano CPUs cannot be updated as CPU Period has already been set");
        }
        if (body.number("NanoCpus") > 0 && old.cpuQuotaMicros() > 0) {
            return Optional.of("Nano CPUs cannot be updated as CPU Quota has already been set");
        }
        return Optional.empty();
    }

    /** Clients before API 1.40 did not know of this limit; what is no number above 0 takes it away, which is kept as -1. */
    private static long pidsLimit(Request request, Body body, Resources asked, Resources old) {
        boolean discarded = body.number("PidsLimit") > 0 && asked.pidsLimit() == 0;
        if (!request.version().atLeast(40) || !body.has("PidsLimit") || discarded) {
            return old.pidsLimit();
        }
        return asked.pidsLimit() > 0 ? asked.pidsLimit() : -1;
    }

    /** What is not given stays as it is. */
    private static Answer update(Agent agent, Request request) {
        Body body = request.json();
        Container c = found(agent, request);
        Resources old = c.spec().resources();
        Controls.Kept limits = HostSettings.limits(body, body.number(HostSettings.SWAP), old.shmSizeBytes());
        Resources asked = limits.resources();
        conflicting(body, old).ifPresent(why -> {
            throw Problem.conflict("Cannot update container " + c.id() + ": Conflicting options: " + why);
        });
        Resources merged = new Resources(
                asked.memoryBytes() == 0 ? old.memoryBytes() : asked.memoryBytes(),
                asked.memorySwapBytes() == 0 ? old.memorySwapBytes() : asked.memorySwapBytes(),
                asked.memoryReservationBytes() == 0 ? old.memoryReservationBytes() : asked.memoryReservationBytes(),
                old.memorySwappiness(),
                asked.nanoCpus() == 0 ? old.nanoCpus() : asked.nanoCpus(),
                asked.cpuShares() == 0 ? old.cpuShares() : asked.cpuShares(),
                asked.cpuPeriodMicros() == 0 ? old.cpuPeriodMicros() : asked.cpuPeriodMicros(),
                asked.cpuQuotaMicros() == 0 ? old.cpuQuotaMicros() : asked.cpuQuotaMicros(),
                asked.cpusetCpus().isEmpty() ? old.cpusetCpus() : asked.cpusetCpus(),
                asked.cpusetMems().isEmpty() ? old.cpusetMems() : asked.cpusetMems(),
                pidsLimit(request, body, asked, old),
                asked.blkioWeight() == 0 ? old.blkioWeight() : asked.blkioWeight(),
                old.blockIo(),
                old.oomKillDisable(),
                old.oomScoreAdj(),
                old.shmSizeBytes(),
                old.cgroupParent(),
                old.ulimits(),
                old.devices(),
                old.deviceCgroupRules());
        // Docker takes no limit on swap for the least one here.
        if (asked.memoryBytes() != 0 && asked.memorySwapBytes() == 0 && asked.memoryBytes() > old.memorySwapBytes()) {
            throw Problem.conflict("Cannot update container " + c.id() + ": Memory limit should be smaller than already"
                    + " set memoryswap limit, update the memoryswap at the same time");
        }
        HostSettings.checkSwap(merged);
        Body restart = body.body("RestartPolicy");
        Optional<RestartPolicy> policy = Optional.of(HostSettings.restartPolicy(restart))
                .filter(p -> !restart.text("Name").isEmpty());
        return Answer.later(agent.submit(new ContainerCommand.Update(c.id(), merged, policy), request.cause())
                .thenApply(event -> {
                    ObjectNode answer = Json.object();
                    answer.set("Warnings", Json.arrayOrNull(limits.warnings()));
                    return Answer.json(answer);
                }));
    }

    private Answer remove(Agent agent, Request request) {
        if (request.query().flag("link", false)) {
            return unlink(agent, request);
        }
        ContainerId id = found(agent, request).id();
        return done(
                agent,
                request,
                new ContainerCommand.Remove(
                        id,
                        request.query().flag("force", false),
                        request.query().flag("v", false),
                        retention));
    }

    /** {@code docker rm --link web/db} ends the link that web calls db, and removes no container. */
    private static Answer unlink(Agent agent, Request request) {
        found(agent, request);
        String name = request.name().startsWith("/") ? request.name().substring(1) : request.name();
        int slash = name.lastIndexOf('/');
        if (slash < 0) {
            throw new Problem(500, "Conflict, cannot remove the default link name of the container");
        }
        String owner = name.substring(0, slash);
        Container parent = agent.host()
                .containerNamed(owner)
                .orElseThrow(() -> new Problem(500, "Cannot get parent /" + owner + " for link name /" + name));
        return done(agent, request, new ContainerCommand.Unlink(parent.id(), name.substring(slash + 1)));
    }

    private Answer prune(Agent agent, Request request) {
        Filters filters = Filters.parse(request.query().text("filters"), PRUNE_FILTERS);
        Optional<Instant> until = filters.only("until").map(Times::parse);
        Host host = agent.host();
        List<Container> chosen = host.containers().values().stream()
                .filter(c -> !c.isRunning() && !c.goal().wantsProcess() && !host.isOfBuild(c))
                .filter(c -> filters.labels(c.spec().labels()))
                .filter(c -> until.map(t -> c.createdAt().isBefore(t)).orElse(true))
                .toList();
        return Answer.later(Sweep.all(request, chosen, c -> {
                    // What is kept gives no room back yet.
                    long bytes = retention.isZero()
                            ? usage(agent, c.id()).map(Usage::sizeBytes).orElse(0L)
                            : 0;
                    return agent.submit(new ContainerCommand.Remove(c.id(), false, false, retention), request.cause())
                            .thenApply(event -> new Sweep.Pruned(c.id().value(), bytes));
                })
                .thenApply(pruned -> {
                    long reclaimed = Sweep.bytes(pruned);
                    agent.submit(new HostCommand.NotePrune("container", reclaimed), request.cause());
                    ObjectNode answer = Json.object();
                    answer.set(
                            "ContainersDeleted",
                            Json.arrayOrNull(
                                    pruned.stream().map(Sweep.Pruned::name).toList()));
                    return Answer.json(answer.put("SpaceReclaimed", reclaimed));
                }));
    }

    /** What a list's filters take. */
    private record Selection(Host host, Filters filters, Optional<Instant> before, Optional<Instant> since) {
        private static final Set<String> HEALTH = Set.of("none", "starting", "healthy", "unhealthy");
        private static final Set<String> STATES =
                Set.of("created", "restarting", "running", "removing", "paused", "exited", "dead");

        Selection(Host host, Filters filters) {
            this(
                    host,
                    filters,
                    // Of several bounds all must hold.
                    bounds(host, filters, "before").min(Comparator.naturalOrder()),
                    bounds(host, filters, "since").max(Comparator.naturalOrder()));
            filters.all("status").forEach(s -> {
                if (!STATES.contains(s)) {
                    throw Problem.invalid("invalid filter 'status=" + s + "': invalid value for state (" + s
                            + "): must be one of created, running, paused, restarting, removing, exited, dead");
                }
            });
            filters.all("health").forEach(h -> {
                if (!HEALTH.contains(h)) {
                    throw Problem.invalid("invalid filter 'health=" + h + "': invalid value for health (" + h
                            + "): must be one of none, starting, healthy, unhealthy");
                }
            });
            filters.all("exited").forEach(code -> {
                if (!code.matches("-?[0-9]{1,9}")) {
                    throw Problem.invalid("invalid filter 'exited=" + code + "': it takes a number");
                }
            });
            filters.all("publish").forEach(Ports::exposed);
            filters.all("expose").forEach(Ports::exposed);
        }

        private static Stream<Instant> bounds(Host host, Filters filters, String key) {
            return filters.all(key).stream()
                    .map(name -> ContainerLookup.get(host, name).createdAt());
        }

        boolean takes(Container c) {
            return filters.labels(c.spec().labels())
                    && filters.any("status", s -> s.equals(Words.state(c)))
                    && filters.any("id", i -> c.id().value().startsWith(i))
                    && filters.any(
                            "name", n -> matches(n, c.name()) || linkNames(c).anyMatch(l -> matches(n, l)))
                    && filters.any(
                            "exited",
                            code -> c.exit().isPresent()
                                    && !c.isRunning()
                                    && code.equals(Integer.toString(ContainerShapes.exitCode(c))))
                    && filters.any(
                            "health",
                            h -> h.equals(
                                    c.health().map(Container.Health::status).orElse("none")))
                    && filters.any("ancestor", a -> isAncestor(c, a))
                    && filters.any(
                            "network",
                            n -> isCommon(c, n)
                                    || c.spec().networking().networks().stream()
                                            .anyMatch(w -> w.network().value().startsWith(n)
                                                    || host.network(w.network())
                                                            .map(k -> k.spec()
                                                                    .name()
                                                                    .equals(n))
                                                            .orElse(false)
                                                    || w.missing().equals(Optional.of(n))))
                    && filters.any(
                            "volume",
                            v -> c.spec().mounts().stream()
                                    .anyMatch(m ->
                                            m.source().equals(v) || m.target().equals(v)))
                    && hasPorts(c)
                    && !filters.flag("is-task").orElse(false)
                    && before.map(t -> c.createdAt().isBefore(t)).orElse(true)
                    && since.map(t -> c.createdAt().isAfter(t)).orElse(true);
        }

        /** The host's network and none at all have names, too. */
        private boolean isCommon(Container c, String asked) {
            ContainerSpec.Namespace.Kind kind = c.spec().networking().sandbox().kind();
            String name = kind == ContainerSpec.Namespace.Kind.HOST
                    ? "host"
                    : kind == ContainerSpec.Namespace.Kind.NONE ? "none" : "";
            return !name.isEmpty()
                    && (name.equals(asked)
                            || host.networkNamed(name)
                                    .filter(n -> n.id().value().startsWith(asked))
                                    .isPresent());
        }

        /** One port that is asked for is enough, whether it is the host's that is published or the container's that is exposed. */
        private boolean hasPorts(Container c) {
            if (!filters.has("publish") && !filters.has("expose")) {
                return true;
            }
            boolean published = filters.has("publish")
                    && c.places().values().stream()
                            .flatMap(place -> place.endpoint().ports().stream())
                            .filter(PublishedPort::isMapped)
                            .map(port -> port.hostPort() + "/" + port.protocol())
                            .anyMatch(port -> filters.any("publish", p -> covers(p, port)));
            return published
                    || filters.has("expose")
                            && c.spec().networking().exposed().stream()
                                    .anyMatch(port -> filters.any("expose", p -> covers(p, port)));
        }

        /** A port or a range of them, with or without a protocol. */
        private static boolean covers(String asked, String port) {
            return Ports.exposed(asked).contains(port);
        }

        private Stream<String> linkNames(Container c) {
            return host.linkNames().entrySet().stream()
                    .filter(name -> name.getValue().equals(c.id()))
                    .map(Map.Entry::getKey);
        }

        private static boolean matches(String pattern, String name) {
            try {
                java.util.regex.Pattern compiled = java.util.regex.Pattern.compile(pattern);
                return compiled.matcher(name).find()
                        || compiled.matcher("/" + name).find();
            } catch (java.util.regex.PatternSyntaxException e) {
                return name.contains(pattern);
            }
        }

        private boolean isAncestor(Container c, String ancestor) {
            Optional<Image> asked = ImageLookup.find(host, ancestor).map(ImageLookup.Found::image);
            return asked.filter(image -> image.id().equals(c.spec().image())
                            || host.image(c.spec().image())
                                    .filter(own -> Lineage.descends(own, image))
                                    .isPresent())
                    .isPresent();
        }
    }
}
