package dev.wharf.engine.containers;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.RefusedException;
import dev.wharf.core.command.ContainerCommand;
import dev.wharf.core.command.Decision;
import dev.wharf.core.command.Entropy;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.Host;
import dev.wharf.engine.archive.KnownUsers;
import dev.wharf.engine.archive.Trees;
import dev.wharf.engine.http.Answer;
import dev.wharf.engine.http.Body;
import dev.wharf.engine.http.Duplex;
import dev.wharf.engine.http.Problem;
import dev.wharf.engine.http.Problems;
import dev.wharf.engine.http.Request;
import dev.wharf.engine.http.Router;
import dev.wharf.engine.http.Routes;
import dev.wharf.engine.json.Json;
import dev.wharf.model.ContainerId;
import dev.wharf.model.ExecId;
import dev.wharf.model.ExecSpec;
import dev.wharf.spi.DriverException;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;

/** What takes a connection over: attach and exec; and what goes with it: resize, and execs as things to look at. */
public final class StreamRoutes implements Routes {
    private static final String RAW = "application/vnd.docker.raw-stream";
    private static final String MULTIPLEXED = "application/vnd.docker.multiplexed-stream";

    /** How long a resize waits for its exec to be started. */
    private static final Duration RESIZE_PATIENCE = Duration.ofSeconds(10);

    private static final long LARGEST_SIZE = 0xffff_ffffL;

    private final KnownUsers users;

    public StreamRoutes(Trees trees) {
        this.users = new KnownUsers(trees);
    }

    @Override
    public void addTo(Router router) {
        router.hijack("/containers/{name}/attach", StreamRoutes::attach)
                .hijack("GET", "/containers/{name}/attach/ws", StreamRoutes::attachWebSocket)
                .get("/containers/{name}/logs", Logs::handle)
                .post("/containers/{name}/resize", StreamRoutes::resize)
                .post("/containers/{name}/exec", this::createExec)
                .hijack("/exec/{name}/start", StreamRoutes::startExec)
                .post("/exec/{name}/resize", StreamRoutes::resizeExec)
                .get("/exec/{name}/json", StreamRoutes::inspectExec);
    }

    /** The content type of a stream; before API 1.42 a multiplexed one was called raw as well. */
    static String contentType(boolean tty, Request request) {
        return tty || !request.version().atLeast(42) ? RAW : MULTIPLEXED;
    }

    /** The same for a connection that is taken over; without an upgrade Docker calls it raw to this day. */
    private static String takenType(boolean tty, Request request) {
        return request.wantsUpgrade() ? contentType(tty, request) : RAW;
    }

    // ---- attach

    private static Answer attach(Agent agent, Request request) throws DriverException {
        Container c = attachable(agent, request);
        boolean tty = c.spec().stdio().tty();
        DetachKeys keys = DetachKeys.parse(request.query().text("detachKeys"));
        Joint joint = new Joint(
                !tty,
                request.query().flag("stdin", false) && c.spec().stdio().openStdin(),
                request.query().flag("stdout", false),
                request.query().flag("stderr", false),
                c.spec().stdio().stdinOnce() && !tty,
                tty ? keys : DetachKeys.NONE,
                () -> note(agent, request, c.id(), "detach"));
        return new Answer.Switch(takenType(tty, request), joining(agent, request, c, joint));
    }

    /** The same in the frames of a WebSocket, where what is output and what error is not told. */
    private static Answer attachWebSocket(Agent agent, Request request) throws DriverException {
        Container c = attachable(agent, request);
        Request.Handshake handshake = request.webSocket();
        boolean tty = c.spec().stdio().tty();
        DetachKeys keys = DetachKeys.parse(request.query().text("detachKeys"));
        // Before API 1.42 whoever came in by WebSocket had all three streams.
        boolean all = !request.version().atLeast(42);
        Joint joint = new Joint(
                false,
                (all || request.query().flag("stdin", false))
                        && c.spec().stdio().openStdin(),
                all || request.query().flag("stdout", false),
                all || request.query().flag("stderr", false),
                c.spec().stdio().stdinOnce() && !tty,
                tty ? keys : DetachKeys.NONE,
                () -> note(agent, request, c.id(), "detach"));
        return new Answer.WebSocket(handshake, request.version().atLeast(28), joining(agent, request, c, joint));
    }

    private static Container attachable(Agent agent, Request request) {
        Container c = ContainerRoutes.found(agent, request);
        if (c.isPaused()) {
            throw Problem.conflict("container " + request.name() + " is paused, unpause the container before attach");
        }
        if (c.isRestarting()) {
            throw ContainerRoutes.restarting(c);
        }
        return c;
    }

    /** Joins the streams, at once or when what was stored before is told, and says how to go on with the connection. */
    private static Consumer<Duplex> joining(Agent agent, Request request, Container c, Joint joint) {
        Runnable join = () -> {
            if (request.query().flag("stream", false)) {
                // Clients look at the container as soon as its streams have ended, so they end when its end is known.
                joint.endAfter(then -> agent.when(c.id(), host -> isOver(host, c), then));
                joint.open(() -> agent.streams().attach(c.id(), Optional.empty(), joint));
            } else {
                joint.closed();
            }
        };
        if (request.query().flag("logs", false)) {
            // Stored output first; the live stream is joined where the stored one ends.
            return duplex -> {
                joint.talk(duplex);
                request.work(() -> {
                    joint.replay(agent, c.id());
                    note(agent, request, c.id(), "attach");
                    join.run();
                    return c;
                });
            };
        }
        join.run();
        note(agent, request, c.id(), "attach");
        return joint::talk;
    }

    /** Whether the run is over that began, or was to begin next, when the container was as {@code then}. */
    private static boolean isOver(Host host, Container then) {
        return host.container(then.id())
                .map(now -> !now.exit().equals(then.exit())
                        || !now.isRunning() && !now.goal().wantsProcess())
                .orElse(true);
    }

    private static void note(Agent agent, Request request, ContainerId id, String action) {
        agent.submit(new ContainerCommand.Note(id, action, Map.of()), request.cause());
    }

    /** A number of 32 bits, of which the kernel takes 16; what is no such number is told in the words of Go. */
    private static int size(Request request, String key) {
        String size = request.query().text(key);
        boolean number = size.matches("-?[0-9]+");
        if (!number || size.startsWith("-") || size.length() > 10 || Long.parseLong(size) > LARGEST_SIZE) {
            throw Problem.invalid("invalid resize " + (key.equals("h") ? "height" : "width") + " \"" + size + "\": "
                    + (number ? "value out of range" : "invalid syntax"));
        }
        return (int) Math.min(Long.parseLong(size), 65_535);
    }

    private static Answer resize(Agent agent, Request request) {
        int rows = size(request, "h");
        int columns = size(request, "w");
        Container c = ContainerRoutes.running(agent, request);
        Map<String, String> size = new LinkedHashMap<>();
        size.put("height", Integer.toString(rows));
        size.put("width", Integer.toString(columns));
        return Answer.later(request.work(() -> {
                    agent.streams().resize(c.id(), Optional.empty(), rows, columns);
                    return Answer.empty(200);
                })
                .thenCompose(Notes.first(agent, request, new ContainerCommand.Note(c.id(), "resize", size))));
    }

    // ---- exec

    private Answer createExec(Agent agent, Request request) {
        Body body = request.json();
        List<String> command = body.words("Cmd");
        if (command.isEmpty()) {
            throw Problem.invalid("No exec command specified");
        }
        Container c = ContainerRoutes.found(agent, request);
        Map<String, String> env = new LinkedHashMap<>();
        for (String one : agent.host().environment(c)) {
            env.put(one.substring(0, Math.max(one.indexOf('='), 0)), one);
        }
        for (String one : body.texts("Env")) {
            int equals = one.indexOf('=');
            if (equals > 0) {
                env.put(one.substring(0, equals), one);
            } else {
                env.remove(one);
            }
        }
        DetachKeys.parse(body.text("DetachKeys"));
        boolean tty = body.flag("Tty");
        if (tty && env.keySet().stream().noneMatch("TERM"::equals)) {
            env.put("TERM", "TERM=xterm");
        }
        Console console = request.version().atLeast(42) ? Console.of(body) : Console.NONE;
        ExecSpec spec = new ExecSpec(
                command,
                List.copyOf(env.values()),
                body.optionalText("User")
                        .filter(u -> !u.isEmpty())
                        .orElse(c.spec().command().user()),
                body.optionalText("WorkingDir")
                        .filter(d -> !d.isEmpty())
                        .orElse(c.spec().command().workingDir()),
                body.flag("Privileged"),
                tty,
                body.flag("AttachStdin"),
                body.flag("AttachStdout"),
                body.flag("AttachStderr"),
                body.text("DetachKeys"),
                console.rows(),
                console.columns());
        ExecId id = new ExecId(Entropy.fresh().hex("exec"));
        ContainerCommand.CreateExec create = new ContainerCommand.CreateExec(c.id(), id, spec);
        String user = body.text("User");
        if (!KnownUsers.isNamed(user)) {
            return Answer.later(created(agent, request, create));
        }
        if (create.decide(agent.host(), Instant.now()) instanceof Decision.Refused refused) {
            return Problems.answer(new RefusedException(refused.refusal()));
        }
        return Answer.later(request.work(() -> {
                    users.check(agent, c, user);
                    return c;
                })
                .thenCompose(known -> created(agent, request, create)));
    }

    private static CompletionStage<Answer> created(Agent agent, Request request, ContainerCommand.CreateExec create) {
        return agent.submit(create, request.cause())
                .thenApply(event ->
                        Answer.json(201, Json.object().put("Id", create.exec().value())));
    }

    private record FoundExec(Container container, Container.Exec exec) {}

    private static FoundExec exec(Agent agent, Request request) {
        Problem missing = Problem.missing("No such exec instance: " + request.name());
        ExecId id;
        try {
            id = new ExecId(request.name());
        } catch (IllegalArgumentException e) {
            throw missing;
        }
        return agent.host()
                .containerOf(id)
                .flatMap(c -> Optional.ofNullable(c.execs().get(id)).map(e -> new FoundExec(c, e)))
                .orElseThrow(() -> missing);
    }

    private static Answer startExec(Agent agent, Request request) {
        Body body = request.json();
        FoundExec found = exec(agent, request);
        ContainerId container = found.container().id();
        ExecSpec spec = found.exec().spec();
        // Whether the client wants a terminal's bytes as they are is said again at the start, and that is what counts.
        boolean raw = body.flag("Tty");
        Console wanted = raw && request.version().atLeast(42) ? Console.of(body) : Console.NONE;
        Console console = wanted.equals(Console.NONE) ? new Console(spec.rows(), spec.columns()) : wanted;
        ContainerCommand.StartExec start =
                new ContainerCommand.StartExec(container, found.exec().id(), console.rows(), console.columns());
        if (body.flag("Detach")) {
            return Answer.later(agent.submit(start, request.cause())
                    .handle((event, thrown) -> thrown == null ? Answer.empty(200) : Problems.answer(thrown)));
        }
        if (start.decide(agent.host(), Instant.now()) instanceof Decision.Refused refused) {
            return Problems.answer(new RefusedException(refused.refusal()));
        }
        Joint joint = new Joint(
                !raw,
                spec.stdin(),
                spec.stdout(),
                spec.stderr(),
                !spec.tty(),
                spec.tty() ? DetachKeys.parse(spec.detachKeys()) : DetachKeys.NONE,
                () -> note(agent, request, container, "exec_detach"));
        // Clients read the exit code as soon as the stream has ended, so it ends when the code is known.
        joint.endAfter(then -> agent.when(
                container, host -> isOver(host, container, found.exec().id()), then));
        if (!joint.open(
                () -> agent.streams().attach(container, Optional.of(found.exec().id()), joint))) {
            throw new Problem(500, "the streams of the exec cannot be had");
        }
        // The head of the answer goes out before the command runs: some clients read it with a buffer, and lose what
        // comes
        // along with it.
        return new Answer.Switch(takenType(raw, request), duplex -> {
            joint.talk(duplex);
            agent.submit(start, request.cause()).whenComplete((event, thrown) -> {
                if (thrown != null) {
                    // It is over before it began; that is told where its output would have been.
                    joint.refuse(Problems.cause(thrown).getMessage() + "\r\n");
                }
            });
        });
    }

    private static boolean isOver(Host host, ContainerId container, ExecId exec) {
        return host.container(container)
                .filter(Container::isRunning)
                .map(c -> c.execs().get(exec))
                .map(e -> e.exitCode().isPresent())
                .orElse(true);
    }

    private static boolean hasBegun(Host host, ContainerId container, ExecId exec) {
        return host.container(container)
                .map(c -> c.execs().get(exec))
                .map(e -> e.isRunning() || e.exitCode().isPresent())
                .orElse(true);
    }

    /** A client resizes the terminal as soon as its wish to start is on its way, so the start is waited for. */
    private static Answer resizeExec(Agent agent, Request request) {
        int rows = size(request, "h");
        int columns = size(request, "w");
        FoundExec found = exec(agent, request);
        ContainerId container = found.container().id();
        ExecId exec = found.exec().id();
        if (!found.container().isRunning()) {
            throw Problem.conflict("container " + container + " is not running");
        }
        CompletableFuture<Answer> answer = new CompletableFuture<>();
        agent.when(
                container,
                host -> answer.isDone() || hasBegun(host, container, exec),
                () -> answer.completeAsync(
                        () -> Answer.later(request.work(() -> {
                            agent.streams().resize(container, Optional.of(exec), rows, columns);
                            return Answer.empty(200);
                        })),
                        Runnable::run));
        request.after(
                RESIZE_PATIENCE,
                () -> answer.complete(Answer.error(400, "the exec was not started, so that it has no size to change")));
        return Answer.later(answer);
    }

    private static Answer inspectExec(Agent agent, Request request) {
        FoundExec found = exec(agent, request);
        Container.Exec exec = found.exec();
        ExecSpec spec = exec.spec();
        ObjectNode node = Json.object();
        node.put("ID", exec.id().value()).put("Running", exec.isRunning());
        exec.exitCode().ifPresentOrElse(code -> node.put("ExitCode", code), () -> node.putNull("ExitCode"));
        ObjectNode process = node.putObject("ProcessConfig");
        process.put("tty", spec.tty()).put("entrypoint", spec.arguments().get(0));
        process.set(
                "arguments",
                Json.array(spec.arguments().subList(1, spec.arguments().size())));
        process.put("privileged", spec.privileged());
        if (!spec.user().isEmpty()) {
            process.put("user", spec.user());
        }
        return Answer.json(node.put("OpenStdin", spec.stdin())
                .put("OpenStderr", spec.stderr())
                .put("OpenStdout", spec.stdout())
                .put("CanRemove", false)
                .put("ContainerID", found.container().id().value())
                .put(
                        "DetachKeys",
                        spec.detachKeys().isEmpty()
                                ? new byte[0]
                                : DetachKeys.parse(spec.detachKeys()).bytes())
                .put("Pid", exec.pid()));
    }
}
