package dev.wharf.engine.build;

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
import dev.wharf.build.run.Report;
import dev.wharf.build.run.Shelf;
import dev.wharf.core.agent.Agent;
import dev.wharf.core.command.Entropy;
import dev.wharf.core.journal.EventJournal.Cause;
import dev.wharf.engine.archive.Trees;
import dev.wharf.engine.journal.AgentFacts;
import dev.wharf.model.Digest;
import dev.wharf.model.ImageId;
import dev.wharf.model.Reference;
import dev.wharf.oci.layer.Dir;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.registry.Credentials;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Does builds, each in a folder of its own that goes with it. Safe to use from any thread. */
public final class Bench {
    private static final Logger LOG = LoggerFactory.getLogger(Bench.class);

    private final Path root;
    private final Path memory;
    private final Trees trees;
    private final Hashes hashes;
    private final Path caches;
    private final HostCache cache;
    private boolean swept;

    public Bench(AgentFacts facts, Trees trees, Hashes hashes, HostCache cache) {
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

    /** Where the folders of cache mounts are. */
    Path caches() {
        return caches;
    }

    /** What a client lends, which may have to be read first. */
    interface Lending {
        Offers offers() throws IOException;
    }

    /** Brings a context into its folder. */
    interface Bring {
        /** @param shelf what is kept of contexts that came before */
        void into(ContextFolder folder, Shelf shelf) throws BuildException, IOException, InterruptedException;
    }

    /**
     * Who asks for a build, and what for.
     *
     * @param id what the build is remembered by
     * @param causes the cause of the next command
     * @param logins credentials for the registry of an image
     */
    record Asking(
            String id,
            Agent agent,
            Supplier<Cause> causes,
            BuildQuery query,
            Lending lending,
            Function<Reference, Credentials> logins,
            Bring bring) {}

    /** Opens the files of an image by a container that never runs, for the length of {@code use}. */
    void look(Agent agent, Supplier<Cause> causes, ImageId image, Look use)
            throws BuildException, IOException, InterruptedException {
        Engine engine = new Engine(
                agent,
                causes,
                BuildQuery.NOTHING,
                Offers.NONE,
                name -> Credentials.ANONYMOUS,
                trees,
                hashes,
                root,
                memory,
                "");
        Build.look(engine, image, folder -> use.of(trees.open(folder)));
    }

    /** Does something with files. */
    interface Look {
        /** @param root is taken over */
        void of(Dir root) throws IOException;
    }

    /** Blocks until the image is there. Nothing is left of the build but that, and what is remembered of its steps. */
    ImageId build(Asking asking, Report report, Attempt attempt)
            throws BuildException, IOException, InterruptedException {
        String name = Entropy.fresh().hex("folder").substring(0, 12);
        Agent agent = asking.agent();
        Path running = root.resolve("running").resolve(name);
        Shelf shelf = new Shelf(
                BuildCache.contexts(caches), running, agent.host().identity().bootId());
        try {
            tidy(agent);
            attempt.begin();
            Engine engine = new Engine(
                    agent,
                    asking.causes(),
                    asking.query(),
                    asking.lending().offers(),
                    asking.logins(),
                    trees,
                    hashes,
                    root,
                    memory,
                    name);
            ContextFolder context = new ContextFolder(trees, engine.folder().resolve("context"));
            Files.createDirectories(
                    context.folder().getParent(),
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            asking.bring().into(context, shelf);
            Build build = new Build(engine, asking.id(), asking.query().order(), report, cache);
            attempt.build(build);
            return build.run(context);
        } finally {
            attempt.over();
            putBack(agent, shelf);
            remove(agent, memory.resolve(name));
            removeEmpty(memory);
            remove(agent, running);
        }
    }

    /** A build that was asked for, which may be given up at any time: also while its context is still on its way. */
    static final class Attempt {
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

    /** Brings what is at an address: a git repository, a tar, or a Dockerfile that is called {@code dockerfile} here. */
    static void fetch(ContextFolder context, String address, String dockerfile)
            throws BuildException, IOException, InterruptedException {
        Path file = context.folder().resolveSibling("remote");
        if (GitAddress.isOne(address)) {
            Path fetched = Files.createDirectories(context.folder().resolveSibling("git"));
            new GitContext(fetched, Thread.currentThread()::isInterrupted).bring(GitAddress.parse(address), file);
            unpack(context, file);
            return;
        }
        if (!Download.isAddress(address)) {
            throw new BuildException("a build from " + address
                    + " is not served; a context is a tar, or comes from git:// or http(s)://");
        }
        Download.bring(address, file, Optional.empty());
        boolean tar;
        try (InputStream in = Files.newInputStream(file)) {
            tar = Unpacking.isTar(in);
        }
        if (tar) {
            unpack(context, file);
            return;
        }
        if (Files.size(file) > Dockerfile.LARGEST) {
            throw new BuildException("what is at " + address + " is neither a tar nor a Dockerfile");
        }
        // Alone it is the Dockerfile, whatever the client would have called it.
        context.receiveFile(dockerfile, Files.readAllBytes(file));
        Files.delete(file);
    }

    private static void unpack(ContextFolder context, Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            context.receive(in);
        }
        Files.delete(file);
    }

    /** Folders of builds that a crash cut short are nobody's; whoever builds first does not meet them. */
    synchronized void tidy(Agent agent) {
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

    private static void putBack(Agent agent, Shelf shelf) {
        try {
            shelf.putBack(agent.streams().files());
        } catch (IOException | DriverException e) {
            LOG.warn("the context of a build is not kept, and is sent again next time reason={}", e.getMessage());
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
