package dev.wharf.engine.build;

import dev.wharf.build.context.ContextException;
import dev.wharf.build.context.ContextFolder;
import dev.wharf.build.context.GitAddress;
import dev.wharf.build.context.GitContext;
import dev.wharf.build.context.Unpacking;
import dev.wharf.build.dockerfile.Dockerfile;
import dev.wharf.build.run.Build;
import dev.wharf.build.run.BuildException;
import dev.wharf.build.run.Download;
import dev.wharf.build.run.HostCache;
import dev.wharf.build.run.Offers;
import dev.wharf.core.agent.Agent;
import dev.wharf.core.command.Entropy;
import dev.wharf.core.command.HostCommand;
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
import dev.wharf.model.Digest;
import dev.wharf.model.ImageId;
import dev.wharf.model.Reference;
import dev.wharf.spi.DriverException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.List;
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
    private final Path memory;
    private final Trees trees;
    private final Hashes hashes;
    private final Path caches;
    private final HostCache cache;
    private final Map<String, Attempt> running = new ConcurrentHashMap<>();
    private boolean swept;

    public BuildRoutes(AgentFacts facts, Trees trees, Hashes hashes, HostCache cache) {
        this.root = facts.dataRoot().resolve("build");
        this.memory = memory(facts);
        this.caches = BuildCache.caches(facts);
        this.trees = trees;
        this.hashes = hashes;
        this.cache = cache;
    }

    /** Where files are in memory only: below the agent's run-time folder as a rule, and where that is on a disk, in the host's. */
    private static Path memory(AgentFacts facts) {
        Path usual = facts.execRoot().resolve("build");
        try {
            String kind = Files.getFileStore(facts.execRoot()).type();
            if (kind.equals("tmpfs") || kind.equals("ramfs")) {
                return usual;
            }
        } catch (IOException e) {
            LOG.debug("the kind of a file system is unknown folder={} reason={}", facts.execRoot(), e.getMessage());
        }
        return Path.of("/dev/shm/wharf-build-"
                + Digest.sha256(facts.execRoot().toString()).hex().substring(0, 12));
    }

    @Override
    public void addTo(Router router) {
        router.upload("POST", "/build", this::build)
                .upload("POST", "/wharf/v1/build", this::buildAndTell)
                .post("/build/cancel", this::cancel)
                .post("/build/prune", this::prune)
                .get("/wharf/v1/builds", (agent, request) -> Answer.json(Builds.list(agent.host())))
                .get(
                        "/wharf/v1/builds/{name}",
                        (agent, request) -> Answer.json(Builds.one(agent.host(), request.name())));
    }

    private Answer build(Agent agent, Request request) {
        BuildQuery query = BuildQuery.read(request);
        return start(agent, request, query, new BuildAnswer(query.order().quiet(), later(request)), () -> Offers.NONE);
    }

    /** The same for Wharf's own command: news of steps as they happen, and secrets and ssh agents for those that ask. */
    private Answer buildAndTell(Agent agent, Request request) {
        return start(
                agent,
                request,
                BuildQuery.read(request),
                new NewsAnswer(later(request)),
                () -> Loan.read(request.stream(), request.actor()));
    }

    /** On a worker, since a client may be slow to read. */
    private static BuildAnswer.Later later(Request request) {
        return (delay, task) -> request.after(delay, () -> request.workers().execute(task));
    }

    private interface Lending {
        Offers offers() throws IOException;
    }

    private Answer start(Agent agent, Request request, BuildQuery query, BuildAnswer answer, Lending lending) {
        String id = request.query()
                .value("buildid")
                .filter(i -> !i.isEmpty())
                .orElseGet(() -> Entropy.fresh().hex("build"));
        Attempt attempt = new Attempt();
        running.put(id, attempt);
        request.onGone(attempt::cancel);
        request.transfer(() -> {
            String name = Entropy.fresh().hex("folder").substring(0, 12);
            try {
                attempt(agent, request, query, answer, lending, attempt, name);
            } finally {
                running.remove(id, attempt);
                remove(agent, memory.resolve(name));
                removeEmpty(memory);
                remove(agent, root.resolve("running").resolve(name));
                // Whoever hears of the end may look, and finds nothing left.
                answer.end();
                BuildCache.tidy(agent, request::cause, caches);
            }
            return id;
        });
        return Answer.later(answer.answer());
    }

    /** A request to build, which may be given up at any time: also while its context is still on its way. */
    private static final class Attempt {
        private Optional<Build> build = Optional.empty();
        private Optional<Thread> thread = Optional.empty();
        private boolean cancelled;

        synchronized void cancel() {
            cancelled = true;
            build.ifPresent(Build::cancel);
            thread.ifPresent(Thread::interrupt);
        }

        synchronized void begin() throws BuildException {
            thread = Optional.of(Thread.currentThread());
            check();
        }

        synchronized void build(Build begun) throws BuildException {
            check();
            build = Optional.of(begun);
        }

        /** From here on its thread is not its own. */
        synchronized void over() {
            thread = Optional.empty();
            build = Optional.empty();
            if (Thread.interrupted()) {
                LOG.debug("a build was given up");
            }
        }

        private void check() throws BuildException {
            if (cancelled) {
                throw new BuildException("the build was cancelled");
            }
        }
    }

    private void attempt(
            Agent agent,
            Request request,
            BuildQuery query,
            BuildAnswer answer,
            Lending lending,
            Attempt attempt,
            String folder) {
        try {
            tidy(agent);
            attempt.begin();
            Offers offers = lending.offers();
            Engine engine = new Engine(agent, request, query, offers, trees, hashes, root, memory, folder);
            ContextFolder context = new ContextFolder(trees, engine.folder().resolve("context"));
            receive(context, query, request);
            Build build = new Build(engine, query.order(), answer, cache);
            attempt.build(build);
            ImageId image = build.run(context);
            answer.stream("Successfully built " + image.shortForm().replace("sha256:", "") + "\n");
            for (Reference name : query.order().names()) {
                answer.stream("Successfully tagged " + name.familiar() + "\n");
            }
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
        } catch (StackOverflowError | OutOfMemoryError e) {
            LOG.error("a build needed more than there is; please report this", e);
            answer.fail(new Problem(500, "the build needs more memory than the engine has"), Optional.empty());
        } finally {
            attempt.over();
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
        Path file = context.folder().resolveSibling("remote");
        if (GitAddress.isOne(address.get())) {
            Path fetched = Files.createDirectories(context.folder().resolveSibling("git"));
            new GitContext(fetched, Thread.currentThread()::isInterrupted).bring(GitAddress.parse(address.get()), file);
            unpack(context, file);
            return;
        }
        if (!Download.isAddress(address.get())) {
            throw new BuildException("a build from " + address.get()
                    + " is not served; a context is a tar, or comes from git:// or http(s)://");
        }
        Download.bring(address.get(), file, Optional.empty());
        boolean tar;
        try (InputStream in = Files.newInputStream(file)) {
            tar = Unpacking.isTar(in);
        }
        if (tar) {
            unpack(context, file);
            return;
        }
        if (Files.size(file) > Dockerfile.LARGEST) {
            throw new BuildException("what is at " + address.get() + " is neither a tar nor a Dockerfile");
        }
        // Alone it is the Dockerfile, whatever the client would have called it.
        context.receiveFile(query.order().dockerfile(), Files.readAllBytes(file));
        Files.delete(file);
    }

    private static void unpack(ContextFolder context, Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            context.receive(in);
        }
        Files.delete(file);
    }

    /** Without {@code all}, what an image with a name has too stays, since forgetting that would free nothing. */
    private Answer prune(Agent agent, Request request) {
        boolean all = request.query().flag("all", false);
        Filters filters = Filters.parse(
                request.query().text("filters"),
                Set.of(
                        "until",
                        "unused-for",
                        "id",
                        "type",
                        "description",
                        "inuse",
                        "shared",
                        "private",
                        "label",
                        "label!"));
        // A prune of the whole system tells every kind of the labels it wants; what is cached has none.
        boolean chosen = filters.labels(Map.of());
        Optional<Instant> until =
                filters.only("until").or(() -> filters.first("unused-for")).map(Times::parse);
        // Each version of the API has its own name for it.
        long room = request.query()
                .number("reserved-space")
                .or(() -> request.query().number("keep-storage"))
                .or(() -> request.query().number("max-used-space"))
                .orElse(0L);
        return Answer.later(request.work(() -> {
            BuildCache.Freed freed = BuildCache.prune(
                    agent,
                    request::cause,
                    caches,
                    entry -> chosen
                            && until.map(entry.lastUse()::isBefore).orElse(true)
                            && (all || !entry.inUse())
                            && filters.any("id", entry.id()::startsWith)
                            && filters.any("type", BuildCache.Entry.TYPE::equals)
                            && filters.any("description", entry.step().instruction()::contains)
                            && filters.flag("inuse")
                                    .map(f -> f == entry.inUse())
                                    .orElse(true)
                            && filters.flag("shared")
                                    .map(f -> f == entry.inUse())
                                    .orElse(true)
                            && filters.flag("private")
                                    .map(f -> f != entry.inUse())
                                    .orElse(true),
                    mount -> chosen
                            && until.map(mount.lastUse()::isBefore).orElse(true)
                            && filters.any("id", BuildCache.id(mount)::startsWith)
                            && filters.any("type", BuildCache.MOUNT::equals)
                            && filters.any("description", BuildCache.describe(mount)::contains)
                            && !filters.flag("inuse").orElse(false)
                            && !filters.flag("shared").orElse(false)
                            && filters.flag("private").orElse(true),
                    room);
            agent.submit(new HostCommand.NotePrune("builder", freed.sizeBytes()), request.cause());
            return Answer.json(Json.object()
                    .put("SpaceReclaimed", freed.sizeBytes())
                    .set("CachesDeleted", Json.arrayOrNull(freed.keys())));
        }));
    }

    private Answer cancel(Agent agent, Request request) {
        Attempt attempt = running.get(request.query().text("id"));
        if (attempt == null) {
            throw Problem.missing("no build " + request.query().text("id") + " is running");
        }
        attempt.cancel();
        return Answer.empty(204);
    }

    /** Folders of builds that a crash cut short are nobody's; whoever builds first does not meet them. */
    @Override
    public synchronized void tidy(Agent agent) {
        if (swept) {
            return;
        }
        swept = true;
        for (Path folders : List.of(root.resolve("running"), memory)) {
            if (Files.isDirectory(folders)) {
                try (Stream<Path> left = Files.list(folders)) {
                    for (Path folder : left.toList()) {
                        remove(agent, folder);
                    }
                } catch (IOException e) {
                    LOG.warn("folders of builds stay folders={} reason={}", folders, e.getMessage());
                }
            }
        }
    }

    private static void removeEmpty(Path folder) {
        try {
            Files.deleteIfExists(folder);
        } catch (IOException e) {
            LOG.debug("a folder stays, for another build lends something folder={}", folder);
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
