package dev.wharf.runtime;

import static dev.wharf.spi.DriverException.failure;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.model.ContainerId;
import dev.wharf.model.ContainerSpec;
import dev.wharf.model.DriverName;
import dev.wharf.model.ExecId;
import dev.wharf.model.ExecSpec;
import dev.wharf.model.Exit;
import dev.wharf.model.InitProcess;
import dev.wharf.model.Resources;
import dev.wharf.model.Signal;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure.Kind;
import dev.wharf.spi.kernel.Descriptors;
import dev.wharf.spi.kernel.FileCalls;
import dev.wharf.spi.kernel.Processes;
import dev.wharf.spi.kernel.SystemCallFilters;
import dev.wharf.spi.runtime.Attachment;
import dev.wharf.spi.runtime.Counters;
import dev.wharf.spi.runtime.LogCursor;
import dev.wharf.spi.runtime.LogQuery;
import dev.wharf.spi.runtime.Measure;
import dev.wharf.spi.runtime.OciRuntime;
import dev.wharf.spi.runtime.RuntimeSpec;
import dev.wharf.spi.runtime.StreamSink;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs containers with crun, runc or youki, one monitor each. What it remembers between calls are connections and watches
 * only: another instance, after a crash or a swap, finds everything else on disk and in the kernel.
 */
public class OciDriver
        implements OciRuntime,
                OciRuntime.Addressing,
                OciRuntime.Grounding,
                OciRuntime.Freezing,
                OciRuntime.Limiting,
                OciRuntime.Executing,
                OciRuntime.Measuring,
                OciRuntime.Streaming,
                AutoCloseable {
    /** The name of the one runtime of a host, whichever program it is. */
    static final String NAME = "default";

    static final String FORMAT = "oci-bundle";

    private static final Logger LOG = LoggerFactory.getLogger(OciDriver.class);

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String CONFIG = "config.json";
    private static final String STARTED = "started";
    private static final String NO_LOG = "log.none";
    private static final int O_WRONLY = 1;
    private static final int O_RDWR = 2;
    private static final int O_NOCTTY = 0400;
    private static final int O_NONBLOCK = 04000;
    private static final Duration DEATH_PATIENCE = Duration.ofSeconds(10);
    /** How often the freezer of cgroup version 1 is asked again before what is frozen by now is thawed for a moment. */
    private static final int TRIES_BEFORE_A_THAW = 50;

    /** A monitor whose process is dead has only the rest of the output to write. */
    private static final Duration MONITOR_PATIENCE = Duration.ofSeconds(2);

    private static final Duration EXEC_MEMORY = Duration.ofMinutes(1);
    private static final Duration CLOSE_PATIENCE = Duration.ofSeconds(5);
    private static final Duration PRUNE_EVERY = Duration.ofSeconds(20);

    private final Processes processes;
    private final Descriptors descriptors;
    private final FileCalls files;
    private final Places places;
    private final Settings settings;
    private final Programs programs;
    private final SealedPrograms sealed;
    private final Spares spares;
    private final ReadOnlyBelow readOnlyBelow;
    private final FilterCache filters;
    private final FileWatch watch = new FileWatch();
    private final LogKeeper keeper;
    private final ExecutorService teller = Executors.newSingleThreadExecutor(this::tellerThread);
    private final Map<Path, Hub> hubs = new ConcurrentHashMap<>();

    /** Directories of containers that go by themselves: who runs such a one waits until it is gone, and not for its end. */
    private final Set<Path> passing = ConcurrentHashMap.newKeySet();

    private final Map<ContainerId, Long> pruned = new ConcurrentHashMap<>();

    /** Notes of containers that somebody watches. */
    private final Map<ContainerId, Note> counted = new ConcurrentHashMap<>();

    private Optional<Tools> tools = Optional.empty();

    /** What is made when it is first needed, because choosing a runtime may take a moment. */
    private record Tools(
            RuntimeChoice.Choice choice, Monitors monitors, OciConfig config, Cgroups cgroups, Exits exits) {}

    /**
     * A driver that keeps running containers below {@code execRoot} and what outlives them below {@code dataRoot}.
     */
    public OciDriver(
            Processes processes,
            Descriptors descriptors,
            FileCalls files,
            SystemCallFilters compiler,
            Path execRoot,
            Path dataRoot,
            Map<String, ?> properties) {
        this.processes = processes;
        this.descriptors = descriptors;
        this.files = files;
        this.places = new Places(execRoot, dataRoot);
        this.settings = Settings.of(properties);
        this.programs = new Programs(processes, descriptors);
        this.sealed = new SealedPrograms(descriptors);
        this.spares = new Spares(new Foreground(processes, descriptors, programs, sealed, settings.patience()), teller);
        this.readOnlyBelow = new ReadOnlyBelow(programs, settings.patience());
        this.keeper = new LogKeeper(places, descriptors, watch, this::isLogged);
        this.filters = new FilterCache(execRoot.resolve("oci").resolve("seccomp"), compiler);
    }

    private Thread tellerThread(Runnable task) {
        Thread thread = new Thread(
                () -> {
                    processes.takeShortTurns();
                    task.run();
                },
                "wharf-exits");
        thread.setDaemon(true);
        return thread;
    }

    @Override
    public DriverName name() {
        return new DriverName(NAME);
    }

    @Override
    public List<Format> formats() {
        return List.of(new Format(FORMAT, 1));
    }

    @Override
    public Readiness probe() {
        if (monitor().isEmpty()) {
            return Readiness.no("no monitor found: install the package conmon");
        }
        try {
            RuntimeChoice.Choice choice = tools().choice();
            return choice.runtime()
                    .map(runtime -> new Readiness(true, runtime.name() + " at " + runtime.path()))
                    .orElseGet(() -> Readiness.no(choice.why()));
        } catch (DriverException e) {
            return Readiness.no(e.failure().message());
        }
    }

    private Optional<Path> monitor() {
        return settings.monitor().filter(Files::isExecutable).or(() -> Programs.find("conmon"));
    }

    private synchronized Tools tools() throws DriverException {
        if (tools.isPresent() && tools.get().choice().runtime().isPresent()) {
            return tools.get();
        }
        try {
            RuntimeChoice.Choice choice = new RuntimeChoice(programs, places, settings).choose();
            if (tools.isPresent()) {
                Tools old = tools.get();
                tools = Optional.of(new Tools(choice, old.monitors(), old.config(), old.cgroups(), old.exits()));
                return tools.get();
            }
            Cgroups cgroups = Cgroups.read();
            Monitors monitors = new Monitors(
                    monitor().orElse(Path.of("/usr/bin/conmon")),
                    processes,
                    descriptors,
                    programs,
                    sealed,
                    places.execRoot().resolve("tty"),
                    settings.patience());
            OciConfig config = new OciConfig(files, places, Abilities.ofThisProcess(), cgroups, Seccomp.ofThisHost());
            Exits exits = new Exits(
                    places,
                    monitors,
                    processes,
                    cgroups,
                    descriptors,
                    teller,
                    this::pruneExecs,
                    this::isAttached,
                    directory -> hubs.containsKey(directory) && !passing.contains(directory));
            tools = Optional.of(new Tools(choice, monitors, config, cgroups, exits));
            return tools.get();
        } catch (IOException e) {
            throw failure(Kind.UNAVAILABLE, "cannot look for an OCI runtime: " + e.getMessage(), e);
        }
    }

    private RuntimeBinary runtime() throws DriverException {
        RuntimeChoice.Choice choice = tools().choice();
        return choice.runtime().orElseThrow(() -> failure(Kind.UNAVAILABLE, choice.why()));
    }

    // --- the life of a container ---

    @Override
    public InitProcess create(RuntimeSpec spec) throws DriverException {
        ContainerId container = spec.container();
        Path bundle = places.bundle(container);
        RuntimeBinary runtime = runtime();
        try {
            Optional<Note> present = exits().note(bundle);
            if (present.isPresent()
                    && isWaitingOrRunning(present.get())
                    && present.get().generation() == spec.generation()) {
                settleCreated(bundle, present.get());
                return present.get().process();
            }
            delete(container);
            return make(spec, runtime, bundle);
        } catch (IOException e) {
            undo(container);
            throw trouble("cannot create container " + container.shortForm(), e);
        } catch (DriverException e) {
            undo(container);
            throw e;
        }
    }

    private boolean isWaitingOrRunning(Note note) throws DriverException {
        return exits().isAlive(note.process().pid(), note.process().startTicks())
                && exits().isAlive(note.process().monitorPid(), note.monitorTicks());
    }

    private InitProcess make(RuntimeSpec spec, RuntimeBinary runtime, Path bundle) throws DriverException, IOException {
        ContainerId container = spec.container();
        ContainerSpec wanted = spec.spec();
        endUnknown(container, OciConfig.cgroup(wanted, container));
        Places.make(bundle);
        Path keep = Places.make(places.keep(container));
        if (wanted.autoRemove()) {
            passing.add(bundle);
        }
        Places.make(runtime.root());
        boolean terminal = wanted.stdio().tty();
        boolean stdin = wanted.stdio().openStdin();
        boolean keepsStdin = stdin && (terminal || !wanted.stdio().stdinOnce());
        Note draft = new Note(
                runtime.path(),
                runtime.root(),
                spec.generation(),
                new InitProcess(0, 0, 0),
                0,
                terminal,
                stdin,
                keepsStdin,
                OciConfig.cgroup(wanted, container));
        exits().expect(bundle);
        draft.begin(bundle);
        Optional<Path> log = isUnlogged(spec) ? Optional.empty() : Optional.of(places.log(container));
        Monitors.Order order =
                new Monitors.Order(container, runtime, bundle, Optional.empty(), log, terminal, stdin, keepsStdin);
        ObjectNode config;
        Monitors.Started started;
        processes.expectNewcomer();
        // The monitor gets ready while what it is to run is written down.
        try (Monitors.Ready monitor = tools().monitors().prepare(order, false)) {
            config = configure(spec, runtime, bundle, keep);
            try {
                started = monitor.go(Optional.empty());
            } catch (Monitors.Refused e) {
                throw refusal("create", e.words(), config.path("process"));
            }
        }
        Note note = draft.with(
                new InitProcess(started.pid(), started.startTicks(), started.monitorPid()), started.monitorTicks());
        note.settle(bundle);
        Exits exits = exits();
        exits.settled(bundle);
        settleCreated(bundle, note);
        // Nobody waits for the rest: whoever is followed late is told of none the less.
        try {
            teller.execute(() -> {
                exits.follow(container);
                settle(container, config, runtime);
            });
        } catch (RejectedExecutionException e) {
            LOG.debug("the runtime driver stops, so the next one follows container={}", container);
        }
        return note.process();
    }

    private ObjectNode configure(RuntimeSpec spec, RuntimeBinary runtime, Path bundle, Path keep)
            throws DriverException, IOException {
        settleLog(spec, keep);
        new HostFiles().write(spec, keep);
        for (RuntimeSpec.BoundMount mount : spec.mounts()) {
            if (OciConfig.isBind(mount)) {
                Propagation.check(mount);
            }
        }
        ObjectNode config = tools().config().container(spec, () -> readOnlyBelow.isOffered(runtime));
        filters.use(config, runtime);
        new Groundwork(files, spec.rootfs()).lay(spec.mounts());
        Files.write(bundle.resolve(CONFIG), JSON.writeValueAsBytes(config));
        return config;
    }

    private void settle(ContainerId container, ObjectNode config, RuntimeBinary runtime) {
        try {
            keeper.keep(container);
            filters.learn(config, runtime, container.value());
        } catch (IOException e) {
            LOG.warn(
                    "a log may not be rotated until the next start, or a filter is compiled again container={}",
                    container,
                    e);
        }
    }

    @Override
    public void ground(Path rootfs) {
        new Groundwork(files, rootfs).lay(List.of());
    }

    /** Connects those who came before the process; whoever comes from now on sees the note and connects himself. */
    private void settleCreated(Path directory, Note note) throws IOException {
        Hub hub = hubs.get(directory);
        if (hub != null) {
            hub.takes(note.stdin(), note.keepsStdin());
            if (!hub.isEmpty()) {
                connect(hub, directory, note, false);
            }
            hub.decide();
        }
    }

    private static boolean isUnlogged(RuntimeSpec spec) {
        return spec.spec().logging().driver().equals("none");
    }

    private void settleLog(RuntimeSpec spec, Path keep) throws IOException, DriverException {
        Path mark = keep.resolve(NO_LOG);
        if (isUnlogged(spec)) {
            Files.write(mark, new byte[0]);
            return;
        }
        Files.deleteIfExists(mark);
        LogSettings settings = LogSettings.of(spec);
        keeper.check(settings);
        settings.write(keep);
    }

    private boolean isAttached(Path directory) {
        Hub hub = hubs.get(directory);
        return hub != null && !hub.isEmpty();
    }

    private boolean isLogged(ContainerId container) throws IOException, DriverException {
        Path bundle = places.bundle(container);
        Optional<Note> note = Note.read(bundle);
        // Once it has written the exit status, the monitor writes nothing any more, though it may live for a moment.
        return note.isPresent()
                && exits().isAlive(note.get().process().monitorPid(), note.get().monitorTicks())
                && Monitors.exit(bundle).isEmpty();
    }

    /** Takes back what a failed creation left, and lets those go who wait for its streams. */
    private void undo(ContainerId container) {
        Hub hub = hubs.remove(places.bundle(container));
        if (hub != null) {
            hub.refuse("");
        }
        boolean interrupted = Thread.interrupted();
        try {
            delete(container);
        } catch (DriverException e) {
            LOG.warn("cannot take back a failed creation, the next survey finds it container={}", container, e);
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @Override
    public InitProcess start(ContainerId container) throws DriverException {
        Path bundle = places.bundle(container);
        try {
            Note note = known(container);
            if (Files.exists(bundle.resolve(STARTED))) {
                return note.process();
            }
            if (!letRun(note, container)) {
                Programs.Outcome outcome = run(note, "start", container.value());
                if (outcome.code() != 0 && !isStarted(note, container)) {
                    throw refusal("start", outcome.words(), MissingNode.getInstance());
                }
            }
            Files.write(bundle.resolve(STARTED), new byte[0]);
            return note.process();
        } catch (IOException e) {
            throw trouble("cannot start container " + container.shortForm(), e);
        }
    }

    /**
     * Does what {@code crun start} does for a process that waits, without a process of its own for it: takes the FIFO away
     * at which it waits, and writes a byte into it (crun's status.c). False where this runtime does it in another way, and
     * where nobody waits: then the runtime has to say what is wrong.
     */
    private boolean letRun(Note note, ContainerId container) throws IOException {
        if (!note.isOfCrun() || !isAlive(note.process())) {
            return false;
        }
        Path fifo = note.runtimeRoot().resolve(container.value()).resolve("exec.fifo");
        int descriptor;
        try {
            // Without waiting: where nobody reads, this fails (fifo(7)).
            descriptor = descriptors.open(fifo, O_WRONLY | O_NONBLOCK, 0);
        } catch (IOException e) {
            return false;
        }
        try {
            Files.delete(fifo);
            return descriptors.write(descriptor, ByteBuffer.wrap(new byte[1])) == 1;
        } finally {
            descriptors.close(descriptor);
        }
    }

    /** Whether the runtime says that the process was let run, by this agent or one before that died before it could say so. */
    private boolean isStarted(Note note, ContainerId container) throws IOException {
        Programs.Outcome outcome = run(note, "state", container.value());
        if (outcome.code() != 0) {
            return false;
        }
        try {
            String status = JSON.readTree(outcome.output()).path("status").asText();
            return status.equals("running") || status.equals("stopped") || status.equals("paused");
        } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
            return false;
        }
    }

    private Programs.Outcome run(Note note, String... command) throws IOException {
        List<String> arguments =
                new ArrayList<>(List.of("--root", note.runtimeRoot().toString()));
        arguments.addAll(List.of(command));
        return programs.run(note.runtime(), arguments, settings.patience());
    }

    @Override
    public void signal(ContainerId container, Signal signal) throws DriverException {
        try {
            Note note = known(container);
            InitProcess process = note.process();
            if (!processes.signal(process.pid(), process.startTicks(), signal)) {
                throw gone(container);
            }
            // A frozen process of cgroup version 1 does not even die before it is thawed.
            if (signal.equals(Signal.KILL) && tools().cgroups().isFreezing(note.cgroup())) {
                tools().cgroups().freeze(note.cgroup(), false);
            }
        } catch (IOException e) {
            throw trouble("cannot send " + signal + " to container " + container.shortForm(), e);
        }
    }

    @Override
    public void delete(ContainerId container) throws DriverException {
        Path bundle = places.bundle(container);
        try {
            if (!Files.exists(bundle)) {
                endUnknown(container, OciConfig.usualCgroup(container));
                return;
            }
            Optional<Note> noted = exits().note(bundle);
            if (noted.isPresent()) {
                Note note = noted.get();
                end(note);
                for (ExecId exec : places.execIds(container)) {
                    endMonitor(places.exec(container, exec));
                }
                endMonitor(bundle);
                exits().settle(container);
                forgetState(note, container);
                tools().cgroups().remove(note.cgroup());
            }
            files.removeTree(bundle);
            spares.forget(container);
            passing.remove(bundle);
            pruned.remove(container);
            counted.remove(container);
            hubs.entrySet().removeIf(entry -> isUseless(entry.getKey(), entry.getValue(), bundle));
        } catch (IOException e) {
            throw trouble("cannot delete container " + container.shortForm(), e);
        }
    }

    /** A hub of the container itself may be waiting for its next process; one of an exec waits for nothing any more. */
    private static boolean isUseless(Path directory, Hub hub, Path bundle) {
        if (!directory.startsWith(bundle)) {
            return false;
        }
        if (!directory.equals(bundle)) {
            hub.refuse("");
        }
        return hub.isOver();
    }

    /** Kills the first process, and with it its pid namespace, and then whoever is left in the cgroup. */
    private void end(Note note) throws IOException, DriverException {
        kill(note.process().pid(), note.process().startTicks());
        endAllOf(note.cgroup());
    }

    /** Whoever emptied the exec root took away what we know of processes, and left them running. */
    private void endUnknown(ContainerId container, String cgroup) throws IOException, DriverException {
        List<Integer> left = tools().cgroups().processes(cgroup);
        if (!left.isEmpty()) {
            LOG.warn("processes that nothing is known of any more are ended cgroup={} pids={}", cgroup, left);
            endAllOf(cgroup);
            tools().cgroups().remove(cgroup);
        }
        Optional<RuntimeBinary> runtime = tools().choice().runtime();
        if (runtime.isPresent()) {
            InitProcess nobody = new InitProcess(0, 0, 0);
            Note unknown =
                    new Note(runtime.get().path(), runtime.get().root(), 0, nobody, 0, false, false, false, cgroup);
            forgetState(unknown, container);
        }
    }

    private void endAllOf(String cgroup) throws IOException, DriverException {
        Cgroups cgroups = tools().cgroups();
        long deadline = System.nanoTime() + DEATH_PATIENCE.toNanos();
        while (true) {
            if (cgroups.isFreezing(cgroup)) {
                cgroups.freeze(cgroup, false);
            }
            List<Integer> left = cgroups.processes(cgroup);
            if (left.isEmpty()) {
                return;
            }
            if (System.nanoTime() > deadline) {
                throw failure(Kind.BUSY, "processes " + left + " do not die, the kernel holds them");
            }
            // Each death is waited for, so this takes another turn only for what was forked meanwhile.
            for (int pid : left) {
                kill(pid, processes.startTicks(pid).orElse(0));
            }
        }
    }

    private void kill(int pid, long ticks) throws IOException {
        if (pid > 0 && ticks > 0 && processes.signal(pid, ticks, Signal.KILL)) {
            awaitDeath(pid, ticks, DEATH_PATIENCE);
        }
    }

    /** Waits for the end of a process; false where it does not come in time. */
    private boolean awaitDeath(int pid, long ticks, Duration patience) throws IOException {
        CompletableFuture<Boolean> dead = new CompletableFuture<>();
        try (Processes.Watch ignored = processes.watch(pid, ticks, () -> dead.complete(true))) {
            return dead.get(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (java.util.concurrent.TimeoutException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw (IOException)
                    new InterruptedIOException("interrupted while waiting for a process to die").initCause(e);
        } catch (java.util.concurrent.ExecutionException e) {
            throw new IOException(e.getCause());
        }
    }

    /** Lets a monitor write the last of its log and its exit file; one that does not is killed. */
    private void endMonitor(Path directory) throws IOException, DriverException {
        Optional<Note> note = exits().note(directory);
        Hub hub = hubs.get(directory);
        if (hub != null) {
            hub.processEnded();
        }
        if (note.isEmpty()
                || !exits().isAlive(
                                note.get().process().monitorPid(), note.get().monitorTicks())) {
            return;
        }
        int pid = note.get().process().monitorPid();
        long ticks = note.get().monitorTicks();
        // One that is still making its process has nothing to write, and takes a hanging runtime along.
        boolean making = note.get().process().pid() == 0;
        if (making || !awaitDeath(pid, ticks, MONITOR_PATIENCE)) {
            LOG.debug("monitor killed pid={} directory={}", pid, directory);
            kill(pid, ticks);
        }
    }

    private void forgetState(Note note, ContainerId container) throws IOException, DriverException {
        Path state = note.runtimeRoot().resolve(container.value());
        if (!Files.exists(state)) {
            return;
        }
        if (note.isOfCrun()) {
            // What crun delete does besides, ending processes and removing cgroups, is done by whoever calls this.
            files.removeTree(state);
            return;
        }
        Programs.Outcome outcome = run(note, "delete", container.value());
        if (outcome.code() != 0 && Files.exists(state)) {
            Programs.Outcome forced = run(note, "delete", "--force", container.value());
            if (forced.code() != 0 && Files.exists(state)) {
                throw failure(Kind.FAILED, "OCI runtime delete failed: " + forced.words());
            }
        }
    }

    @Override
    public void forget(ContainerId container) throws DriverException {
        try {
            Hub hub = hubs.remove(places.bundle(container));
            if (hub != null) {
                hub.refuse("");
            }
            keeper.forget(container);
            files.removeTree(places.keep(container));
        } catch (IOException e) {
            throw trouble("cannot remove the files of container " + container.shortForm(), e);
        }
    }

    @Override
    public AutoCloseable exits(ExitListener listener) {
        try {
            return exits().listen(listener);
        } catch (DriverException e) {
            throw new IllegalStateException(e);
        }
    }

    private Exits exits() throws DriverException {
        return tools().exits();
    }

    @Override
    public List<Found> survey() throws DriverException {
        List<Found> found = new ArrayList<>();
        try {
            for (ContainerId container : places.containers()) {
                found.add(look(container));
            }
        } catch (IOException e) {
            throw trouble("cannot survey containers", e);
        }
        return found;
    }

    private Found look(ContainerId container) throws IOException, DriverException {
        Path bundle = places.bundle(container);
        keeper.keep(container);
        Optional<Note> note = exits().note(bundle);
        Optional<Exit> exit = exits().exit(bundle);
        // The end of a dead one is told as soon as its monitor has written it; until then nobody may conclude it.
        Optional<InitProcess> process =
                note.map(Note::process).filter(candidate -> exit.isEmpty() && candidate.startTicks() > 0);
        Optional<Instant> startedAt = modified(bundle.resolve(STARTED));
        if (startedAt.isEmpty() && process.isPresent() && isStarted(note.get(), container)) {
            // Who let it run did not come to say so; but what the process waited at was taken out of here just then.
            startedAt = modified(note.get().runtimeRoot().resolve(container.value()));
        }
        return new Found(
                container,
                process,
                startedAt,
                exit.filter(e -> note.orElseThrow().process().pid() != 0));
    }

    private static Optional<Instant> modified(Path path) throws IOException {
        try {
            return Optional.of(Files.getLastModifiedTime(path).toInstant());
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    private boolean isAlive(InitProcess process) {
        return process.startTicks() > 0 && processes.startTicks(process.pid()).orElse(-1) == process.startTicks();
    }

    // --- capabilities ---

    @Override
    public void readdress(RuntimeSpec.Whereabouts before, RuntimeSpec.Whereabouts after) throws DriverException {
        try {
            new HostFiles().amend(before, after, places.keep(after.files()));
        } catch (IOException e) {
            throw trouble("cannot tell container " + after.files().shortForm() + " its addresses", e);
        }
    }

    @Override
    public void freeze(ContainerId container) throws DriverException {
        frozen(container, true);
    }

    @Override
    public void thaw(ContainerId container) throws DriverException {
        frozen(container, false);
    }

    @Override
    public boolean isFrozen(ContainerId container) throws DriverException {
        try {
            return tools().cgroups().isFrozen(running(container).cgroup());
        } catch (IOException e) {
            throw trouble("cannot see whether container " + container.shortForm() + " is paused", e);
        }
    }

    private void frozen(ContainerId container, boolean wanted) throws DriverException {
        Note note = running(container);
        Cgroups cgroups = tools().cgroups();
        try {
            if (!cgroups.freeze(note.cgroup(), wanted)) {
                throw failure(Kind.UNSUPPORTED, "this host has no cgroup freezer");
            }
            // Version 1 has no event for it, and freezing takes a few scheduler ticks.
            long deadline = System.nanoTime() + DEATH_PATIENCE.toNanos();
            for (int tries = 1; cgroups.isFrozen(note.cgroup()) != wanted; tries++) {
                if (System.nanoTime() > deadline) {
                    cgroups.freeze(note.cgroup(), !wanted);
                    throw failure(Kind.BUSY, "container " + container.shortForm() + " does not freeze");
                }
                if (wanted && tries % TRIES_BEFORE_A_THAW == 0) {
                    // A process that waits for one that is frozen already cannot be; it gets on in a moment without
                    // frost.
                    cgroups.freeze(note.cgroup(), false);
                    Thread.sleep(10);
                } else {
                    Thread.sleep(1);
                }
                cgroups.freeze(note.cgroup(), wanted);
            }
        } catch (IOException e) {
            throw trouble("cannot " + (wanted ? "pause" : "resume") + " container " + container.shortForm(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw failure(Kind.UNAVAILABLE, "interrupted while freezing container " + container.shortForm(), e);
        }
    }

    @Override
    public void limit(ContainerId container, Resources resources) throws DriverException {
        Note note = running(container);
        Path file = places.bundle(container).resolve("resources.json");
        try {
            Files.write(file, JSON.writeValueAsBytes(tools().config().resources(resources)));
            Programs.Outcome outcome = run(note, "update", "--resources", file.toString(), container.value());
            if (outcome.code() != 0) {
                throw refusal("update", outcome.words(), MissingNode.getInstance());
            }
            // Not by the runtime: crun before 1.9 writes a number where the kernel wants a word.
            if (resources.pidsLimit() < 0) {
                tools().cgroups().unlimitPids(note.cgroup());
            }
            if (resources.cpuQuotaMicros() < 0 && resources.nanoCpus() == 0) {
                tools().cgroups().unlimitCpu(note.cgroup());
            }
        } catch (IOException e) {
            throw trouble("cannot change the limits of container " + container.shortForm(), e);
        }
    }

    @Override
    public int exec(ContainerId container, ExecId exec, ExecSpec spec) throws DriverException {
        Path directory = places.exec(container, exec);
        processes.expectNewcomer();
        try {
            Note parent = running(container);
            claim(exec, directory);
            return run(container, exec, spec, parent, directory);
        } catch (IOException e) {
            DriverException trouble = trouble("cannot run exec in container " + container.shortForm(), e);
            refuse(directory, trouble.failure().message());
            throw trouble;
        } catch (DriverException e) {
            if (e.failure().kind() != Kind.EXISTS) {
                refuse(directory, e.failure().message());
            }
            throw e;
        }
    }

    /** Makes the directory of an exec, which no other run of it may have made. */
    private static void claim(ExecId exec, Path directory) throws DriverException, IOException {
        try {
            Places.makeOne(directory);
        } catch (NoSuchFileException e) {
            // The first of its container.
            Places.make(directory);
        } catch (FileAlreadyExistsException e) {
            throw failure(Kind.EXISTS, "exec " + exec.value() + " was run before", e);
        }
    }

    @Override
    public void kill(ContainerId container, ExecId exec) throws DriverException {
        try {
            Optional<InitProcess> process =
                    Note.read(places.exec(container, exec)).map(Note::process);
            if (process.isPresent() && process.get().pid() > 0) {
                processes.signal(process.get().pid(), process.get().startTicks(), Signal.KILL);
            }
        } catch (IOException e) {
            throw trouble("cannot kill an exec in container " + container.shortForm(), e);
        }
    }

    private int run(ContainerId container, ExecId exec, ExecSpec spec, Note parent, Path directory)
            throws DriverException, IOException {
        byte[] config = Files.readAllBytes(places.bundle(container).resolve(CONFIG));
        byte[] process = tools().config().exec(config, spec);
        boolean keepsStdin = spec.stdin() && spec.tty();
        Note draft = new Note(
                parent.runtime(),
                parent.runtimeRoot(),
                parent.generation(),
                new InitProcess(0, 0, 0),
                0,
                spec.tty(),
                spec.stdin(),
                keepsStdin,
                "");
        exits().expect(directory);
        draft.begin(directory);
        Optional<Hub> waiting = Optional.ofNullable(hubs.get(directory)).filter(hub -> !hub.isEmpty());
        RuntimeBinary runtime = new RuntimeBinary(
                parent.runtime().getFileName().toString(), parent.runtime(), parent.runtimeRoot(), false);
        try {
            // Without a client somebody has to keep what the process says, and only crun waits without a terminal of
            // its own.
            return waiting.isPresent() && parent.isOfCrun() && !spec.tty()
                    ? inForeground(
                            container,
                            exec,
                            new Spares.Use(parent.process(), runtime, spec.stdin()),
                            draft,
                            waiting.get(),
                            process)
                    : monitored(container, exec, runtime, draft, waiting, process);
        } catch (Monitors.Refused e) {
            if (!isAlive(parent.process())) {
                // Whatever the runtime says of namespaces and memory, it came too late.
                throw gone(container);
            }
            JsonNode wanted = JSON.readTree(process);
            Path root = Path.of("/proc/" + parent.process().pid() + "/root");
            String why = e.isSilent() ? new Unfit(files, root).why(wanted).orElse(e.words()) : e.words();
            throw refusal("exec", why, wanted);
        }
    }

    private int monitored(
            ContainerId container,
            ExecId exec,
            RuntimeBinary runtime,
            Note draft,
            Optional<Hub> waiting,
            byte[] process)
            throws DriverException, IOException, Monitors.Refused {
        Path directory = places.exec(container, exec);
        Path processFile = directory.resolve("process.json");
        Files.write(processFile, process);
        Monitors.Started started = tools().monitors()
                .start(
                        new Monitors.Order(
                                container,
                                runtime,
                                directory,
                                Optional.of(processFile),
                                Optional.empty(),
                                draft.terminal(),
                                draft.stdin(),
                                draft.keepsStdin()),
                        waiting.map(hub -> () -> connect(hub, directory, draft, true)));
        Note note = note(started, draft, directory);
        exits().settled(directory);
        settleCreated(directory, note);
        exits().follow(container, exec);
        return started.pid();
    }

    private int inForeground(ContainerId container, ExecId exec, Spares.Use use, Note draft, Hub hub, byte[] process)
            throws DriverException, IOException, Monitors.Refused {
        Path directory = places.exec(container, exec);
        Foreground.Started started;
        try (Foreground.Ready runtime = spares.take(container, use)) {
            started = runtime.go(process);
        }
        note(started.who(), draft, directory);
        hub.takes(draft.stdin(), false);
        hub.connect(started.pipes(), false);
        Exits exits = exits();
        // Last, so that nobody hears of an end before the beginning.
        started.code().thenAccept(code -> {
            exits.ended(container, exec, code);
            hub.processEnded();
            makeSpare(container, use);
        });
        return started.who().pid();
    }

    /** After the end was told: somebody waits for that. */
    private void makeSpare(ContainerId container, Spares.Use use) {
        try {
            teller.execute(() -> {
                if (isAlive(use.init())) {
                    spares.ended(container, use);
                }
            });
        } catch (RejectedExecutionException e) {
            LOG.debug("an exec ends while the driver stops");
        }
    }

    private static Note note(Monitors.Started started, Note draft, Path directory) throws IOException {
        Note note = draft.with(
                new InitProcess(started.pid(), started.startTicks(), started.monitorPid()), started.monitorTicks());
        note.settle(directory);
        return note;
    }

    private static String program(JsonNode process) {
        return process.path("args").path(0).asText();
    }

    private void refuse(Path directory, String words) throws DriverException {
        Hub hub = hubs.remove(directory);
        if (hub != null) {
            hub.refuse(words);
        }
        try {
            endMonitor(directory);
            files.removeTree(directory);
            exits().settled(directory);
        } catch (IOException e) {
            LOG.warn("cannot take back a failed exec directory={}", directory, e);
        }
    }

    /** Forgets ends that were told long ago, now and then: each exec leaves one. */
    private void pruneExecs(ContainerId container) {
        long now = System.nanoTime();
        if (now - pruned.computeIfAbsent(container, first -> now) < PRUNE_EVERY.toNanos()) {
            return;
        }
        pruned.put(container, now);
        try {
            for (ExecId exec : places.execIds(container)) {
                Path directory = places.exec(container, exec);
                if (Exits.isTold(directory, EXEC_MEMORY)) {
                    files.removeTree(directory);
                    hubs.remove(directory);
                }
            }
        } catch (IOException e) {
            LOG.debug("execs that ended are forgotten by the next one or with container={}", container, e);
        }
    }

    @Override
    public Measure measure(ContainerId container) throws DriverException {
        Note note = running(container);
        try {
            return tools().cgroups().measure(note.cgroup(), note.process().pid());
        } catch (IOException e) {
            throw trouble("cannot measure container " + container.shortForm(), e);
        }
    }

    @Override
    public Counters counters(ContainerId container) throws DriverException {
        // What was noted of a process holds for as long as that process lives.
        Note known = counted.get(container);
        Note note = known != null && isAlive(known.process()) ? known : running(container);
        if (note != known) {
            counted.put(container, note);
        }
        return tools().cgroups().counters(note.cgroup(), note.process().pid());
    }

    @Override
    public List<Integer> processes(ContainerId container) throws DriverException {
        Note note = running(container);
        try {
            return tools().cgroups().processes(note.cgroup());
        } catch (IOException e) {
            throw trouble("cannot list the processes of container " + container.shortForm(), e);
        }
    }

    // --- streams ---

    @Override
    public Attachment attach(ContainerId container, Optional<ExecId> exec, StreamSink sink) throws DriverException {
        Path directory = directory(container, exec);
        while (true) {
            Hub hub = hubs.computeIfAbsent(directory, missing -> new Hub(teller));
            Optional<Attachment> attachment = hub.join(sink);
            if (attachment.isEmpty()) {
                hubs.remove(directory, hub);
                continue;
            }
            try {
                Optional<Note> note = Note.read(directory);
                if (note.isPresent() && isWaitingOrRunning(note.get())) {
                    connect(hub, directory, note.get(), false);
                }
            } catch (IOException e) {
                // The process ended this very moment: then the next one is waited for.
                LOG.debug("no streams to join yet directory={}", directory, e);
            }
            return attachment.get();
        }
    }

    private Path directory(ContainerId container, Optional<ExecId> exec) {
        return exec.map(id -> places.exec(container, id)).orElseGet(() -> places.bundle(container));
    }

    private void connect(Hub hub, Path directory, Note note, boolean undecided) throws IOException {
        hub.takes(note.stdin(), note.keepsStdin());
        hub.onPause(() -> watchDeath(hub, directory));
        hub.connect(ready -> new PacketWire(descriptors, Monitors.attachSocket(directory), ready), undecided);
    }

    /** A monitor that a slow client holds up does not notice that its process is dead, so somebody else has to. */
    private void watchDeath(Hub hub, Path directory) {
        try {
            Optional<Note> note = Note.read(directory);
            if (note.isPresent() && note.get().process().pid() > 0) {
                InitProcess process = note.get().process();
                processes.watch(process.pid(), process.startTicks(), hub::processEnded);
            }
        } catch (IOException e) {
            LOG.warn("cannot watch for the death of a process with a slow client directory={}", directory, e);
        }
    }

    @Override
    public void resize(ContainerId container, Optional<ExecId> exec, int rows, int columns) throws DriverException {
        Path directory = directory(container, exec);
        try {
            Optional<Note> note = Note.read(directory);
            if (note.isEmpty() || !isWaitingOrRunning(note.get())) {
                throw failure(Kind.MISSING, "cannot resize: the process is not running");
            }
            if (!note.get().terminal()) {
                return;
            }
            if (!resizeNow(note.get().process(), rows, columns)) {
                Monitors.resize(directory, rows, columns);
            }
        } catch (IOException e) {
            throw trouble("cannot resize the terminal", e);
        }
    }

    /** By the process's own end of its terminal, where it still has it: a monitor would come to it some time later. */
    private boolean resizeNow(InitProcess process, int rows, int columns) {
        Path input = Path.of("/proc/" + process.pid() + "/fd/0");
        int descriptor;
        try {
            // A process may have put anything there, and what that does when it is opened is not to be found out.
            if (!Files.readSymbolicLink(input).startsWith("/dev/pts")) {
                return false;
            }
            descriptor = descriptors.open(input, O_RDWR | O_NOCTTY | O_NONBLOCK, 0);
        } catch (IOException e) {
            return false;
        }
        try {
            descriptors.windowSize(descriptor, rows, columns);
            return true;
        } catch (IOException e) {
            return false;
        } finally {
            descriptors.close(descriptor);
        }
    }

    @Override
    public LogCursor logs(ContainerId container, LogQuery query) throws DriverException {
        Path keep = places.keep(container);
        if (Files.exists(keep.resolve(NO_LOG))) {
            throw failure(Kind.UNSUPPORTED, "configured logging driver does not support reading");
        }
        try {
            Path bundle = places.bundle(container);
            Optional<Note> note = Note.read(bundle);
            boolean writing = isLogged(container);
            if (writing && !query.follow() && !isAlive(note.orElseThrow().process()) && !isAttached(bundle)) {
                // Its end may be known already, and then all that it wrote belongs to its log.
                awaitDeath(note.get().process().monitorPid(), note.get().monitorTicks(), MONITOR_PATIENCE);
                writing = isLogged(container);
            }
            keeper.look(container);
            FileCursor cursor = new FileCursor(keeper.parts(container), query, writing);
            if (writing && note.isPresent() && query.follow()) {
                FileWatch.Interest interest = watch.on(keep, cursor::changed);
                cursor.add(interest::close);
                Processes.Watch monitor = processes.watch(
                        note.get().process().monitorPid(), note.get().monitorTicks(), cursor::writerEnded);
                cursor.add(monitor::close);
            }
            return cursor;
        } catch (IOException e) {
            throw trouble("cannot read the log of container " + container.shortForm(), e);
        }
    }

    @Override
    public Path logFile(ContainerId container) {
        return places.log(container);
    }

    // --- words ---

    private Note known(ContainerId container) throws DriverException, IOException {
        return exits().note(places.bundle(container))
                .filter(note -> note.process().pid() > 0)
                .orElseThrow(() -> gone(container));
    }

    private Note running(ContainerId container) throws DriverException {
        try {
            Note note = known(container);
            if (!isAlive(note.process())) {
                throw gone(container);
            }
            return note;
        } catch (IOException e) {
            throw trouble("cannot read what is noted of container " + container.shortForm(), e);
        }
    }

    private static DriverException gone(ContainerId container) {
        return failure(Kind.MISSING, "container " + container.shortForm() + " is not running");
    }

    private static DriverException trouble(String what, IOException e) {
        Kind kind = e instanceof InterruptedIOException ? Kind.UNAVAILABLE : Words.kind(String.valueOf(e.getMessage()));
        return failure(kind == Kind.INVALID ? Kind.FAILED : kind, what + ": " + e.getMessage(), e);
    }

    /** What a runtime said, and the process it was to run, if any. */
    private static DriverException refusal(String command, String words, JsonNode process) {
        String prefix = "OCI runtime " + command + " failed: " + (command.equals("exec") ? "exec failed: " : "");
        Kind kind = Words.kind(words);
        Optional<String> blame = kind == Kind.INVALID ? Optional.empty() : Words.tooFewFiles(process);
        return blame.isPresent()
                ? failure(Kind.INVALID, prefix + blame.get() + ": " + words)
                : failure(kind, prefix + Words.canonical(words, program(process)));
    }

    /** Stops telling and watching. Containers and their monitors are none of its business. */
    @Override
    public void close() {
        synchronized (this) {
            tools.ifPresent(made -> made.exits().close());
        }
        hubs.values().forEach(Hub::abandon);
        hubs.clear();
        spares.close();
        keeper.close();
        watch.close();
        sealed.close();
        teller.shutdown();
        try {
            // What was begun is ended, so that the next driver finds files that nobody writes.
            if (!teller.awaitTermination(CLOSE_PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
                LOG.warn("the runtime driver is closed while something is still being told or written down");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
