package dev.wharf.engine.build;

import dev.wharf.build.context.ContextException;
import dev.wharf.build.context.ContextFolder;
import dev.wharf.build.context.Unpacking;
import dev.wharf.build.dockerfile.Dockerfile;
import dev.wharf.build.run.Build;
import dev.wharf.build.run.BuildException;
import dev.wharf.build.run.Download;
import dev.wharf.build.run.HostCache;
import dev.wharf.core.agent.Agent;
import dev.wharf.core.command.Entropy;
import dev.wharf.core.command.HostCommand;
import dev.wharf.core.state.Host;
import dev.wharf.engine.archive.Trees;
import dev.wharf.engine.http.Answer;
import dev.wharf.engine.http.Problem;
import dev.wharf.engine.http.Problems;
import dev.wharf.engine.http.Request;
import dev.wharf.engine.http.Router;
import dev.wharf.engine.http.Routes;
import dev.wharf.engine.journal.AgentFacts;
import dev.wharf.engine.json.Filters;
import dev.wharf.engine.json.Json;
import dev.wharf.engine.json.Times;
import dev.wharf.model.ImageId;
import dev.wharf.model.Reference;
import dev.wharf.spi.DriverException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** {@code /build}: images of Dockerfiles, as clients of the classic builder ask for them. */
public final class BuildRoutes implements Routes {
    private static final Logger LOG = LoggerFactory.getLogger(BuildRoutes.class);

    private final Path root;
    private final Trees trees;
    private final HostCache cache;
    private final Map<String, Build> running = new ConcurrentHashMap<>();
    private boolean swept;

    public BuildRoutes(AgentFacts facts, Trees trees, HostCache cache) {
        this.root = facts.dataRoot().resolve("build");
        this.trees = trees;
        this.cache = cache;
    }

    @Override
    public void addTo(Router router) {
        router.upload("POST", "/build", this::build)
                .post("/build/cancel", this::cancel)
                .post("/build/prune", BuildRoutes::prune)
                .get("/wharf/v1/builds", (agent, request) -> Answer.json(Builds.list(agent.host())))
                .get(
                        "/wharf/v1/builds/{name}",
                        (agent, request) -> Answer.json(Builds.one(agent.host(), request.name())));
    }

    private Answer build(Agent agent, Request request) {
        BuildQuery query = BuildQuery.read(request);
        BuildAnswer answer = new BuildAnswer(query.order().quiet());
        String id = request.query()
                .value("buildid")
                .filter(i -> !i.isEmpty())
                .orElseGet(() -> Entropy.fresh().hex("build"));
        Engine engine = new Engine(
                agent,
                request,
                query,
                trees,
                root,
                Entropy.fresh().hex("folder").substring(0, 32));
        Build build = new Build(engine, query.order(), answer, cache);
        running.put(id, build);
        request.onGone(build::cancel);
        request.transfer(() -> {
            try {
                run(engine, query, build, answer, request);
            } finally {
                running.remove(id, build);
                BuildCache.tidy(agent, request);
                remove(agent, engine.folder());
            }
            return id;
        });
        return Answer.later(answer.answer());
    }

    private void run(Engine engine, BuildQuery query, Build build, BuildAnswer answer, Request request) {
        try {
            sweep(engine.agent());
            ContextFolder context = new ContextFolder(trees, engine.folder().resolve("context"));
            receive(context, query, request);
            ImageId image = build.run(context);
            answer.stream("Successfully built " + image.shortForm().replace("sha256:", "") + "\n");
            for (Reference name : query.order().names()) {
                answer.stream("Successfully tagged " + name.familiar() + "\n");
            }
            answer.end();
        } catch (BuildException e) {
            Problem problem = Problem.invalid(String.valueOf(e.getMessage()));
            answer.fail(problem, e.code() == 0 ? Optional.empty() : Optional.of(e.code()));
        } catch (ContextException e) {
            answer.fail(Problem.invalid(String.valueOf(e.getMessage())), Optional.empty());
        } catch (IOException e) {
            answer.fail(new Problem(500, "the build context cannot be read: " + e.getMessage()), Optional.empty());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            answer.fail(Problem.unavailable("the engine stops"), Optional.empty());
        } catch (RuntimeException e) {
            answer.fail(Problems.of(e), Optional.empty());
        }
    }

    private static void receive(ContextFolder context, BuildQuery query, Request request)
            throws BuildException, IOException, InterruptedException {
        Files.createDirectories(
                context.folder().getParent(),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        Optional<String> address = query.address();
        if (address.isEmpty()) {
            context.receive(request.stream());
            return;
        }
        if (!Download.isAddress(address.get()) || address.get().matches(".*\\.git(#.*)?")) {
            throw new BuildException("a build from " + address.get()
                    + " is not served: clone it and send its files, as docker build does by itself");
        }
        Path file = context.folder().resolveSibling("remote");
        Download.bring(address.get(), file, Optional.empty());
        boolean tar;
        try (InputStream in = Files.newInputStream(file)) {
            tar = Unpacking.isTar(in);
        }
        if (tar) {
            try (InputStream in = Files.newInputStream(file)) {
                context.receive(in);
            }
        } else {
            if (Files.size(file) > Dockerfile.LARGEST) {
                throw new BuildException("what is at " + address.get() + " is neither a tar nor a Dockerfile");
            }
            context.receiveFile(query.order().dockerfile(), Files.readAllBytes(file));
        }
        Files.delete(file);
    }

    /** Without {@code all}, what an image with a name has too stays, since forgetting that would free nothing. */
    private static Answer prune(Agent agent, Request request) {
        boolean all = request.query().flag("all", false);
        Filters filters = Filters.parse(
                request.query().text("filters"),
                Set.of("until", "unused-for", "id", "parent", "type", "description", "inuse", "shared", "private"));
        Optional<Instant> until =
                filters.first("until").or(() -> filters.first("unused-for")).map(Times::parse);
        return Answer.later(request.work(() -> {
            Host host = agent.host();
            BuildCache.Freed freed = BuildCache.forget(
                    agent,
                    request,
                    step -> until.map(step.at()::isBefore).orElse(true)
                            && (all
                                    || step.holder()
                                            .flatMap(host::image)
                                            .filter(i -> !i.references().isEmpty())
                                            .isEmpty()));
            agent.submit(new HostCommand.NotePrune("builder", freed.sizeBytes()), request.cause());
            return Answer.json(Json.object()
                    .put("SpaceReclaimed", freed.sizeBytes())
                    .set("CachesDeleted", Json.arrayOrNull(freed.keys())));
        }));
    }

    private Answer cancel(Agent agent, Request request) {
        Build build = running.get(request.query().text("id"));
        if (build == null) {
            throw Problem.missing("no build " + request.query().text("id") + " is running");
        }
        build.cancel();
        return Answer.empty(204);
    }

    /** Folders of builds that a crash cut short are nobody's. */
    private synchronized void sweep(Agent agent) throws IOException {
        if (swept) {
            return;
        }
        swept = true;
        Path folders = root.resolve("running");
        if (!Files.isDirectory(folders)) {
            return;
        }
        try (Stream<Path> left = Files.list(folders)) {
            for (Path folder : left.toList()) {
                remove(agent, folder);
            }
        }
    }

    private static void remove(Agent agent, Path folder) {
        try {
            if (Files.exists(folder)) {
                agent.streams().files().removeTree(folder);
            }
        } catch (IOException | DriverException e) {
            LOG.warn("the folder of a build stays folder={} reason={}", folder, e.getMessage());
        }
    }
}
