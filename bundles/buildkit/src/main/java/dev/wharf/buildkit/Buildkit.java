package dev.wharf.buildkit;

import dev.wharf.build.run.BuildException;
import dev.wharf.buildkit.wire.Common;
import dev.wharf.buildkit.wire.Common.Nothing;
import dev.wharf.buildkit.wire.Control;
import dev.wharf.buildkit.wire.Gateway;
import dev.wharf.model.ImageId;
import dev.wharf.model.Platform;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerInterceptors;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Takes lines that clients of BuildKit asked for, and builds what they ask. Safe to use from any thread. */
public final class Buildkit implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Buildkit.class);

    /** What it says it is; clients decide by it what they may ask, and moby 28 says the same. */
    private static final String VERSION = "v0.25.1";

    /** A session comes on a connection of its own, at about the same time as what needs it. */
    private static final Duration UNTIL_SESSION = Duration.ofSeconds(20);

    /** So many builds that are over, or were not asked for yet, can still be asked for what they told. */
    private static final int MOST_OVER = 64;

    private static final Metadata.Key<String> BUILD =
            Metadata.Key.of("buildkit-controlapi-buildid", Metadata.ASCII_STRING_MARSHALLER);
    private static final Context.Key<String> BUILD_NOW = Context.keyWithDefault("build", "");

    /** What the gateway can do, by BuildKit's names for it (frontend/gateway/pb/caps.go). */
    private static final List<String> CAPS = List.of(
            "solve.base",
            "solve.inlinereturn",
            "return",
            "returnmap",
            "importcaches",
            "proto.refarray",
            "frontend.inputs",
            "gateway.solve.metadata",
            "frontend.caps",
            "gateway.solve.evaluate",
            "gateway.evaluate",
            "gateway.warnings",
            "reference.output");

    private final Transport transport = new Transport();
    private final Map<String, CompletableFuture<Session>> sessions = new ConcurrentHashMap<>();
    private final Map<String, Solve> solves = new LinkedHashMap<>();

    /**
     * A client lends what it has, until its line ends.
     *
     * @param sharedKey what it says that other sessions with the same folders have, too; may be empty
     */
    public void session(String id, String sharedKey, Line line) {
        CompletableFuture<Session> place = sessions.computeIfAbsent(id, key -> new CompletableFuture<>());
        if (place.isDone()) {
            LOG.warn("a session of that id is there already, so the second one is cut off id={}", id);
            line.finish();
            return;
        }
        try {
            place.complete(new Session(transport.reach(line), sharedKey));
            line.onGone(() -> sessions.remove(id, place));
        } catch (IOException e) {
            LOG.warn("a session cannot begin reason={}", e.getMessage());
            sessions.remove(id, place);
            line.finish();
        }
    }

    /** A client asks, until its line ends. */
    public void control(Line line, Workshop workshop) {
        try {
            transport.serve(line, List.of(control(workshop), gateway(workshop)));
        } catch (IOException e) {
            LOG.warn("a client of BuildKit cannot be served reason={}", e.getMessage());
            line.finish();
        }
    }

    @Override
    public void close() {
        List<Solve> left;
        synchronized (solves) {
            left = List.copyOf(solves.values());
        }
        left.forEach(Solve::cancel);
        transport.close();
    }

    // ---- what is served

    private ServerServiceDefinition control(Workshop workshop) {
        History history = new History(workshop);
        ServerServiceDefinition service = ServerServiceDefinition.builder("moby.buildkit.v1.Control")
                .addMethod(
                        Calls.INFO,
                        ServerCalls.asyncUnaryCall((request, out) -> Buildkit.<Control.InfoResponse>say(
                                out,
                                Control.InfoResponse.newBuilder()
                                        .setBuildkitVersion(version())
                                        .build())))
                .addMethod(
                        Calls.LIST_WORKERS,
                        ServerCalls.asyncUnaryCall((request, out) -> say(
                                out,
                                Control.ListWorkersResponse.newBuilder()
                                        .addRecord(worker())
                                        .build())))
                .addMethod(Calls.SOLVE, ServerCalls.asyncUnaryCall((request, out) -> solve(workshop, request, out)))
                .addMethod(
                        Calls.STATUS,
                        ServerCalls.asyncServerStreamingCall((request, out) -> status(history, request, out)))
                .addMethod(Calls.HISTORY, ServerCalls.asyncServerStreamingCall(history::list))
                .addMethod(Calls.UPDATE_HISTORY, ServerCalls.asyncUnaryCall(history::update))
                .addMethod(
                        Calls.DISK_USAGE,
                        ServerCalls.asyncUnaryCall((request, out) -> guarded(out, () -> {
                            Control.DiskUsageResponse.Builder usage = Control.DiskUsageResponse.newBuilder();
                            workshop.remembered().forEach(one -> usage.addRecord(record(one)));
                            say(out, usage.build());
                        })))
                .addMethod(
                        Calls.PRUNE,
                        ServerCalls.asyncServerStreamingCall((request, out) -> guarded(out, () -> {
                            Duration unused = Duration.ofNanos(request.getKeepDuration());
                            workshop.forget(new Workshop.Forgetting(
                                            request.getAll(),
                                            unused.isZero() ? Optional.empty() : Optional.of(unused),
                                            request.getFilterList(),
                                            request.getReservedSpace()))
                                    .forEach(one -> out.onNext(record(one)));
                            out.onCompleted();
                        })))
                .build();
        return ServerInterceptors.intercept(service, new History.Clock());
    }

    private ServerServiceDefinition gateway(Workshop workshop) {
        ServerServiceDefinition service = ServerServiceDefinition.builder("moby.buildkit.v1.frontend.LLBBridge")
                .addMethod(Calls.PING, ServerCalls.asyncUnaryCall((request, out) -> {
                    Gateway.PongResponse.Builder pong =
                            Gateway.PongResponse.newBuilder().addWorkers(worker());
                    CAPS.forEach(cap -> pong.addFrontendCaps(
                            Common.Cap.newBuilder().setId(cap).setEnabled(true)));
                    say(out, pong.build());
                }))
                .addMethod(Calls.BUILD, ServerCalls.asyncUnaryCall((request, out) -> build(workshop, request, out)))
                .addMethod(Calls.RETURN, ServerCalls.asyncUnaryCall(this::answered))
                .addMethod(Calls.EVALUATE, ServerCalls.asyncUnaryCall(Buildkit::nothing))
                .addMethod(Calls.INPUTS, ServerCalls.asyncUnaryCall(Buildkit::nothing))
                .addMethod(Calls.WARN, ServerCalls.asyncUnaryCall(Buildkit::nothing))
                .build();
        return ServerInterceptors.intercept(service, new WhichBuild());
    }

    /** The gateway's calls say in their headers which build they belong to. */
    private static final class WhichBuild implements ServerInterceptor {
        @Override
        public <Q, A> ServerCall.Listener<Q> interceptCall(
                ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
            String build = Optional.ofNullable(headers.get(BUILD)).orElse("");
            return Contexts.interceptCall(Context.current().withValue(BUILD_NOW, build), call, headers, next);
        }
    }

    private static <A> void say(StreamObserver<A> out, A answer) {
        out.onNext(answer);
        out.onCompleted();
    }

    private static void guarded(StreamObserver<?> out, Runnable work) {
        try {
            work.run();
        } catch (RuntimeException e) {
            fail(out, e);
        }
    }

    private static void nothing(Nothing request, StreamObserver<Nothing> out) {
        say(out, Nothing.getDefaultInstance());
    }

    private static void fail(StreamObserver<?> out, Throwable fault) {
        String why = Solve.told(fault);
        if (!(fault instanceof BuildException) && !(fault.getCause() instanceof BuildException)) {
            LOG.warn("a build by BuildKit's clients broke off; please report this", fault);
        }
        out.onError(Status.UNKNOWN.withDescription(why).asRuntimeException());
    }

    private static Common.BuildkitVersion version() {
        return Common.BuildkitVersion.newBuilder()
                .setPackage("dev.wharf.buildkit")
                .setVersion(VERSION)
                .build();
    }

    private static Common.WorkerRecord worker() {
        Platform host = Platform.host();
        return Common.WorkerRecord.newBuilder()
                .setId("wharf")
                .putLabels("org.mobyproject.buildkit.worker.executor", "containerd")
                .addPlatforms(Common.Platform.newBuilder()
                        .setOs(host.os())
                        .setArchitecture(host.architecture())
                        .setVariant(host.variant()))
                .setBuildkitVersion(version())
                .build();
    }

    private static Control.UsageRecord record(Workshop.Remembered one) {
        return Control.UsageRecord.newBuilder()
                .setId(one.id())
                .setMutable(one.type().equals("exec.cachemount"))
                .setInUse(one.inUse())
                .setShared(one.shared())
                .setSize(one.sizeBytes())
                .setCreatedAt(Progress.time(Instant.parse(one.createdAt())))
                .setLastUsedAt(Progress.time(one.lastUsedAt()))
                .setUsageCount(one.uses())
                .setDescription(one.description())
                .setRecordType(one.type())
                .build();
    }

    // ---- builds

    /** Whether what a build says can still be heard. */
    private boolean isKnown(String ref) {
        synchronized (solves) {
            Solve solve = solves.get(ref);
            return solve != null && solve.progress().isKept();
        }
    }

    /** A build by its client's name for it, which may ask for its progress before it asks for the build. */
    private Solve find(String ref) {
        synchronized (solves) {
            Solve solve = solves.computeIfAbsent(ref, Solve::new);
            if (solves.size() > MOST_OVER) {
                solves.values().removeIf(other -> other != solve && !other.isUnderWay() && solves.size() > MOST_OVER);
            }
            return solve;
        }
    }

    private void status(History history, Control.StatusRequest request, StreamObserver<Control.StatusResponse> out) {
        Optional<Control.StatusResponse> over =
                isKnown(request.getRef()) ? Optional.empty() : history.steps(request.getRef());
        if (over.isPresent()) {
            say(out, over.get());
            return;
        }

        ServerCallStreamObserver<Control.StatusResponse> calls = (ServerCallStreamObserver<Control.StatusResponse>) out;
        StatusCall call = new StatusCall(calls);
        calls.setOnReadyHandler(call::wake);
        calls.setOnCancelHandler(call::wake);
        // Elsewhere, since what wakes a slow client's call waits until this method is over.
        transport.workers().execute(() -> find(request.getRef()).progress().listen(call));
    }

    /** One request: the build is its answer, or is what the client says through the gateway meanwhile. */
    private void solve(Workshop workshop, Control.SolveRequest request, StreamObserver<Control.SolveResponse> out) {
        Solve solve = find(request.getRef());
        ServerCallStreamObserver<Control.SolveResponse> call = (ServerCallStreamObserver<Control.SolveResponse>) out;
        call.setOnCancelHandler(solve::cancel);
        List<Control.Exporter> exporters = exporters(request);
        try {
            Solve.check(exporters);
            Solve.Opening opening = new Solve.Opening(request.getSession(), imports(request));
            solve.opening().complete(opening);
            CompletableFuture<Optional<ImageId>> image;
            if (!request.getFrontend().isEmpty()) {
                image = solve.build(
                                workshop,
                                session(opening.session()),
                                new Attributes(
                                        frontend(request.getFrontend(), request.getFrontendAttrsMap()), Map.of()),
                                opening.cacheFrom())
                        .<Optional<ImageId>>thenApply(Optional::of)
                        .toCompletableFuture();
            } else if (!request.getDefinition().isEmpty()) {
                throw new BuildException("graphs of BuildKit's operations (LLB) are not served; Dockerfiles are built");
            } else {
                image = solve.answer();
            }
            image.whenCompleteAsync(
                    (made, fault) -> end(workshop, solve, made, fault, exporters, out), transport.workers());
        } catch (BuildException | RuntimeException e) {
            end(workshop, solve, Optional.empty(), e, exporters, out);
        }
    }

    private void end(
            Workshop workshop,
            Solve solve,
            Optional<ImageId> made,
            @Nullable Throwable fault,
            List<Control.Exporter> exporters,
            StreamObserver<Control.SolveResponse> out) {
        Control.SolveResponse.Builder answer = Control.SolveResponse.newBuilder();
        Throwable why = fault;
        if (why == null && made.isPresent()) {
            try {
                Session session = session(solve.opening().join().session());
                answer.putAllExporterResponse(solve.export(workshop, session, made.get(), exporters));
            } catch (IOException e) {
                why = new BuildException("the output could not be given: " + e.getMessage());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                why = new BuildException("the engine stops");
            } catch (BuildException | RuntimeException e) {
                why = e;
            }
        }
        solve.over();
        if (why == null) {
            say(out, answer.build());
        } else {
            fail(out, why);
        }
    }

    private static List<Control.Exporter> exporters(Control.SolveRequest request) {
        if (request.getExportersCount() > 0 || request.getExporter().isEmpty()) {
            return request.getExportersList();
        }
        return List.of(Control.Exporter.newBuilder()
                .setType(request.getExporter())
                .putAllAttrs(request.getExporterAttrsMap())
                .build());
    }

    /** Names of images whose steps count as done; a cache of another kind than an image's own is none here. */
    private static List<String> imports(Control.SolveRequest request) {
        List<String> names = new ArrayList<>();
        for (Control.CacheOption option : request.getCache().getImportsList()) {
            String name = option.getAttrsOrDefault("ref", "");
            if (option.getType().equals("registry") && !name.isEmpty()) {
                names.add(name);
            }
        }
        return names;
    }

    /** What a frontend is told, where it is the one that is served: Dockerfiles, by whatever image a client names for it. */
    private static Map<String, String> frontend(String name, Map<String, String> attributes) throws BuildException {
        boolean own = name.equals(Attributes.FRONTEND);
        boolean image = name.equals("gateway.v0")
                && attributes.getOrDefault("source", "").matches("(docker\\.io/)?docker/dockerfile(-upstream)?(:.*)?");
        if (!own && !image) {
            throw new BuildException("the frontend " + (own ? name : name + " " + attributes.getOrDefault("source", ""))
                    + " is not served; Dockerfiles are built");
        }
        return attributes;
    }

    private Session session(String id) throws BuildException {
        if (id.isEmpty()) {
            throw new BuildException("the build names no session, which its files and credentials come from");
        }
        CompletableFuture<Session> place = sessions.computeIfAbsent(id, key -> new CompletableFuture<>());
        try {
            return await(place, "no session " + id + " came (POST /session)");
        } finally {
            if (!place.isDone()) {
                sessions.remove(id, place);
            }
        }
    }

    private static <T> T await(CompletableFuture<T> what, String otherwise) throws BuildException {
        try {
            return what.get(UNTIL_SESSION.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException | ExecutionException e) {
            throw new BuildException(otherwise);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BuildException("the engine stops");
        }
    }

    private void build(Workshop workshop, Gateway.SolveRequest request, StreamObserver<Gateway.SolveResponse> out) {
        try {
            Solve solve = find(BUILD_NOW.get());
            if (request.getDefinition().getDefCount() > 0) {
                throw new BuildException(Handed.NOT_SERVED);
            }
            Solve.Opening opening = await(solve.opening(), "the build that this call belongs to was not asked for");
            Session session = session(opening.session());
            Attributes wanted = new Attributes(
                    frontend(request.getFrontend(), request.getFrontendOptMap()),
                    Handed.images(request.getFrontendInputsMap()));
            Optional<String> asked = wanted.request();
            if (asked.isPresent()) {
                say(
                        out,
                        Gateway.SolveResponse.newBuilder()
                                .setResult(Gateway.Result.newBuilder()
                                        .putAllMetadata(solve.tell(asked.get(), workshop, session, wanted)))
                                .build());
                return;
            }
            solve.build(workshop, session, wanted, opening.cacheFrom()).whenComplete((image, fault) -> {
                if (fault != null) {
                    fail(out, fault);
                } else {
                    say(
                            out,
                            Gateway.SolveResponse.newBuilder()
                                    .setResult(Gateway.Result.newBuilder()
                                            .setRef(Gateway.Ref.newBuilder()
                                                    .setId(image.value())
                                                    .setDef(Handed.definition(image))))
                                    .build());
                }
            });
        } catch (BuildException | RuntimeException e) {
            fail(out, e);
        }
    }

    private void answered(Gateway.ReturnRequest request, StreamObserver<Nothing> out) {
        Solve solve = find(BUILD_NOW.get());
        String id = request.getResult().getRef().getId();
        if (request.hasError()) {
            solve.answer()
                    .completeExceptionally(new BuildException(request.getError().getMessage()));
        } else {
            try {
                solve.answer().complete(id.isEmpty() ? Optional.empty() : Optional.of(ImageId.parse(id)));
            } catch (IllegalArgumentException e) {
                solve.answer().completeExceptionally(new BuildException("no such result: " + id));
            }
        }
        say(out, Nothing.getDefaultInstance());
    }
}
