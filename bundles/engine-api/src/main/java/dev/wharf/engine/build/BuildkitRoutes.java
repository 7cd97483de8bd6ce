package dev.wharf.engine.build;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.build.context.ContextException;
import dev.wharf.build.run.Build;
import dev.wharf.build.run.BuildException;
import dev.wharf.build.run.Report;
import dev.wharf.buildkit.Buildkit;
import dev.wharf.buildkit.Line;
import dev.wharf.buildkit.Workshop;
import dev.wharf.core.agent.Agent;
import dev.wharf.core.command.BuildCommand;
import dev.wharf.core.command.HostCommand;
import dev.wharf.core.state.BuildStep;
import dev.wharf.engine.http.Answer;
import dev.wharf.engine.http.Duplex;
import dev.wharf.engine.http.Problem;
import dev.wharf.engine.http.Problems;
import dev.wharf.engine.http.Request;
import dev.wharf.engine.http.Router;
import dev.wharf.engine.http.Routes;
import dev.wharf.engine.images.ImageLookup;
import dev.wharf.engine.json.Json;
import dev.wharf.model.ImageConfig;
import dev.wharf.model.ImageId;
import dev.wharf.model.Platform;
import dev.wharf.model.Reference;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** {@code /grpc} and {@code /session}: images of Dockerfiles, as clients of BuildKit ask for them. */
public final class BuildkitRoutes implements Routes {
    private static final Logger LOG = LoggerFactory.getLogger(BuildkitRoutes.class);

    private static final byte[] NO_HEAD = {};

    private final Bench bench;

    /** Nothing of it is loaded before somebody asks for it. */
    private Optional<Buildkit> buildkit = Optional.empty();

    public BuildkitRoutes(Bench bench) {
        this.bench = bench;
    }

    @Override
    public void addTo(Router router) {
        router.hijack("/grpc", this::control).hijack("/session", this::session);
    }

    private synchronized Buildkit buildkit() {
        if (buildkit.isEmpty()) {
            buildkit = Optional.of(new Buildkit());
        }
        return buildkit.get();
    }

    @Override
    public synchronized void close() {
        buildkit.ifPresent(Buildkit::close);
    }

    private Answer control(Agent agent, Request request) {
        return taken(
                request,
                line -> request.work(() -> {
                    buildkit().control(line, new Floor(agent, request));
                    return line;
                }));
    }

    private Answer session(Agent agent, Request request) {
        String id = request.header("X-Docker-Expose-Session-Uuid").orElse("");
        if (id.isEmpty()) {
            throw Problem.invalid("a session needs an id in the header X-Docker-Expose-Session-Uuid");
        }
        String sharedKey = request.header("X-Docker-Expose-Session-Sharedkey").orElse("");
        return taken(
                request,
                line -> request.work(() -> {
                    buildkit().session(id, sharedKey, line);
                    return line;
                }));
    }

    private static Answer taken(Request request, Function<Line, CompletionStage<?>> begin) {
        String protocol = request.header("Upgrade").orElse("");
        if (!protocol.equalsIgnoreCase("h2c")) {
            throw Problem.invalid(
                    protocol.isEmpty()
                            ? "no upgrade proto in request: send Connection: Upgrade and Upgrade: h2c"
                            : "protocol " + protocol + " not supported: it is h2c");
        }
        return new Answer.Switch(
                "application/grpc",
                "h2c",
                duplex -> begin.apply(new Joined(duplex)).whenComplete((done, fault) -> {
                    if (fault != null) {
                        LOG.error("BuildKit's clients cannot be served; please report this", fault);
                        duplex.finish();
                    }
                }));
    }

    /** A connection of the engine's as BuildKit's front takes it. */
    private record Joined(Duplex duplex) implements Line {
        @Override
        public boolean send(ByteBuffer bytes) {
            return duplex.send(NO_HEAD, bytes);
        }

        @Override
        public void onWritable(Runnable wake) {
            duplex.onWritable(wake);
        }

        @Override
        public void listen(Input input) {
            duplex.listen(new Duplex.Input() {
                @Override
                public void bytes(ByteBuffer bytes) {
                    input.bytes(bytes);
                }

                @Override
                public void ended() {
                    input.ended();
                }
            });
        }

        @Override
        public void reading(boolean wanted) {
            duplex.reading(wanted);
        }

        @Override
        public void finish() {
            duplex.finish();
        }

        @Override
        public void onGone(Runnable gone) {
            duplex.onGone(gone);
        }
    }

    /** What the engine does for whoever asked for one connection. */
    private final class Floor implements Workshop {
        private final Agent agent;
        private final Request request;

        Floor(Agent agent, Request request) {
            this.agent = agent;
            this.request = request;
        }

        @Override
        public Work begin(Wish wish, Report report) {
            Bench.Attempt attempt = new Bench.Attempt();
            CompletableFuture<ImageId> image = new CompletableFuture<>();
            Bench.Asking asking = new Bench.Asking(
                    wish.id(),
                    agent,
                    request::cause,
                    new BuildQuery(wish.order(), "", hostConfig(wish)),
                    wish.lender()::offers,
                    wish.lender()::credentials,
                    (folder, shelf) -> {
                        if (wish.source() instanceof Source.Remote remote) {
                            Bench.fetch(folder, remote.address(), wish.order().dockerfile());
                        } else if (wish.source() instanceof Source.Sent sent) {
                            sent.bring().into(folder, shelf);
                        }
                    });
            request.transfer(() -> {
                try {
                    image.complete(bench.build(asking, report, attempt));
                } catch (BuildException e) {
                    image.completeExceptionally(e);
                } catch (ContextException e) {
                    image.completeExceptionally(new BuildException(String.valueOf(e.getMessage())));
                } catch (IOException e) {
                    image.completeExceptionally(
                            new BuildException("the build context cannot be read: " + e.getMessage()));
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    image.completeExceptionally(new BuildException("the engine stops"));
                } catch (RuntimeException e) {
                    image.completeExceptionally(
                            new BuildException(Problems.of(e).message()));
                } finally {
                    BuildCache.tidy(agent, request::cause, bench.caches());
                }
                return image;
            });
            return new Work() {
                @Override
                public CompletionStage<ImageId> image() {
                    return image;
                }

                @Override
                public void cancel() {
                    attempt.cancel();
                }
            };
        }

        private static ObjectNode hostConfig(Wish wish) {
            Limits limits = wish.limits();
            ArrayNode ulimits = Json.array();
            for (String limit : limits.ulimits()) {
                String[] parts = limit.split("[=:]", 3);
                ulimits.addObject()
                        .put("Name", parts[0])
                        .put("Soft", number(limit, parts.length > 1 ? parts[1] : ""))
                        .put("Hard", number(limit, parts[parts.length - 1]));
            }
            ObjectNode host = BuildQuery.hostConfig(wish.order().network(), limits.extraHosts(), ulimits);
            if (limits.shmSizeBytes() > 0) {
                host.put("ShmSize", limits.shmSizeBytes());
            }
            if (!limits.cgroupParent().isEmpty()) {
                host.put("CgroupParent", limits.cgroupParent());
            }
            return host;
        }

        private static long number(String limit, String text) {
            try {
                return Long.parseLong(text);
            } catch (NumberFormatException e) {
                throw Problem.invalid("invalid ulimit " + limit + ": it is NAME=SOFT:HARD");
            }
        }

        @Override
        public Optional<ImageConfig> config(String image, Optional<Platform> platform) {
            try {
                return ImageLookup.find(agent.host(), image)
                        .map(found -> found.image().config())
                        .filter(config ->
                                platform.map(p -> p.accepts(config.platform())).orElse(true));
            } catch (Problem e) {
                // Whoever tries to pull it says what is wrong with its name.
                return Optional.empty();
            }
        }

        @Override
        public void tag(ImageId image, Reference name) throws BuildException, InterruptedException {
            Build.tag(agent, request.cause(), image, name);
        }

        @Override
        public void look(ImageId image, Use use) throws BuildException, IOException, InterruptedException {
            bench.look(agent, request::cause, image, use::of);
        }

        @Override
        public List<Remembered> remembered() {
            return BuildCache.remembered(agent.host(), bench.caches());
        }

        @Override
        public List<Remembered> forget(Forgetting rules) {
            PruneRules read = PruneRules.read(filters(rules.filters()), rules.all(), rules.roomBytes())
                    .until(rules.unusedFor().map(Instant.now()::minus));
            List<Remembered> before = remembered();
            BuildCache.Freed freed = BuildCache.prune(agent, request::cause, bench.caches(), read);
            agent.submit(new HostCommand.NotePrune("builder", freed.sizeBytes()), request.cause());
            Set<String> gone = Set.copyOf(freed.keys());
            return before.stream().filter(one -> gone.contains(one.id())).toList();
        }

        @Override
        public List<Built> built() {
            return agent.host().builds().values().stream()
                    .sorted(Comparator.comparing(dev.wharf.core.state.Build::at).reversed())
                    .map(Floor::built)
                    .toList();
        }

        private static Built built(dev.wharf.core.state.Build build) {
            return new Built(
                    build.id(),
                    build.at(),
                    build.took(),
                    build.file(),
                    build.failure(),
                    build.steps().stream()
                            .sorted(Comparator.comparingInt(BuildStep::number))
                            .map(step -> new Built.Step(
                                    step.stage(), step.instruction(), step.cached(), step.at(), step.took()))
                            .toList());
        }

        @Override
        public void dismiss(String build) throws BuildException {
            try {
                agent.submit(new BuildCommand.Remove(build), request.cause())
                        .toCompletableFuture()
                        .join();
            } catch (CompletionException e) {
                throw new BuildException(Problems.of(e).message());
            }
        }

        /** BuildKit's filters ({@code KEY==VALUE}) as the Engine API has them. */
        private static String filters(List<String> all) {
            Map<String, Set<String>> values = new LinkedHashMap<>();
            for (String one : all) {
                if (one.isEmpty()) {
                    continue;
                }
                String[] parts = one.split("[~=]=?", 2);
                values.computeIfAbsent(parts[0], key -> new LinkedHashSet<>())
                        .add(parts.length > 1 ? parts[1] : "true");
            }
            ObjectNode json = Json.object();
            values.forEach((key, some) -> json.set(key, Json.array(some)));
            return json.toString();
        }
    }
}
