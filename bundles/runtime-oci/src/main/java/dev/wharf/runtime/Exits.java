package dev.wharf.runtime;

import dev.wharf.model.ContainerId;
import dev.wharf.model.ExecId;
import dev.wharf.model.Exit;
import dev.wharf.model.InitProcess;
import dev.wharf.spi.kernel.Descriptors;
import dev.wharf.spi.kernel.Processes;
import dev.wharf.spi.runtime.OciRuntime.ExitListener;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Notices the ends of processes and tells of them. The kernel says how one ended as soon as its monitor has reaped it, where
 * it can; the monitor writes the exit status down and then ends, and its end wakes us too; one that was killed leaves no
 * status, and then the end of the process itself is what there is to know.
 *
 * <p>Everything is told by one thread. What was told stays on disk until the container is deleted, so a listener that comes
 * later, in a later agent even, hears it too.
 */
final class Exits {
    /** The code of a process whose status nobody read. */
    static final int UNKNOWN_CODE = 255;

    private static final Logger LOG = LoggerFactory.getLogger(Exits.class);

    /** Marks that the status had to be concluded, and when. */
    private static final String INFERRED = "exit.inferred";

    /** Marks that an exec's end was told to somebody. */
    private static final String TOLD = "told";

    private static final Duration HEAD_START = Duration.ofMillis(3);

    /** A monitor makes its mark of memory that ran out two times in a row, which are one as long as nobody takes the first away. */
    private static final Duration BOTH_MARKS = Duration.ofMillis(100);

    private static final Duration SETTLE_PATIENCE = Duration.ofSeconds(10);

    private final Places places;
    private final Monitors monitors;
    private final Processes processes;
    private final Cgroups cgroups;
    private final Descriptors descriptors;
    private final Executor teller;
    private final Consumer<ContainerId> afterExec;
    private final Predicate<Path> attached;
    private final Predicate<Path> heard;

    private final List<ExitListener> listeners = new CopyOnWriteArrayList<>();
    private final Map<Path, Processes.Watch> watches = new ConcurrentHashMap<>();

    /** What is noted of processes that are watched, by their directories: when one ends, nobody has time to read. */
    private final Map<Path, Note> followed = new ConcurrentHashMap<>();

    private final Map<Path, Processes.Watch> nameWatches = new ConcurrentHashMap<>();
    private final Map<Path, Processes.Watch> reapings = new ConcurrentHashMap<>();
    /** By its directory, the process whose end was told last: those of one container follow each other there. */
    private final Map<Path, Whose> told = new ConcurrentHashMap<>();

    /** Directories whose process is being made, or whose end we are told of: a missing process means nothing there. */
    private final Set<Path> expected = ConcurrentHashMap.newKeySet();

    /**
     * Whose end it was. The number of a start does not say: where the agent died while it made a process, the next one makes
     * another of the same start.
     */
    private record Whose(int pid, long startTicks) {
        /** An exec, which begins once in its directory. */
        static final Whose EXEC = new Whose(0, 0);

        static Whose of(Note note) {
            return new Whose(note.process().pid(), note.process().startTicks());
        }
    }

    /**
     * Exits told by {@code teller}, which runs one task at a time.
     *
     * @param afterExec comes after the end of an exec was told
     * @param attached whether clients are connected to the streams of the process of a directory
     * @param heard whether clients are or were, who may wait for its end over another connection
     */
    Exits(
            Places places,
            Monitors monitors,
            Processes processes,
            Cgroups cgroups,
            Descriptors descriptors,
            Executor teller,
            Consumer<ContainerId> afterExec,
            Predicate<Path> attached,
            Predicate<Path> heard) {
        this.places = places;
        this.monitors = monitors;
        this.processes = processes;
        this.cgroups = cgroups;
        this.descriptors = descriptors;
        this.teller = teller;
        this.afterExec = afterExec;
        this.attached = attached;
        this.heard = heard;
    }

    /** Tells {@code listener} of all that ended and was not deleted, then of all that ends. */
    AutoCloseable listen(ExitListener listener) {
        later(() -> {
            // First what there is, then the list: this is the only thread that tells, so nothing is missed between.
            surveyed(container -> {
                tell(container, List.of(listener));
                follow(container);
            });
            listeners.add(listener);
        });
        return () -> listeners.remove(listener);
    }

    private void surveyed(Consumer<ContainerId> each) {
        try {
            places.containers().forEach(each);
        } catch (IOException e) {
            LOG.warn("cannot list containers, exits of the past are told by the next survey", e);
        }
    }

    /** Watches a container and its execs from now on; may be repeated. */
    void follow(ContainerId container) {
        try {
            Path bundle = places.bundle(container);
            watchNames(container, bundle);
            follow(bundle, () -> tellOnce(container));
            watchReaped(container, bundle);
            for (ExecId exec : places.execIds(container)) {
                follow(container, exec);
            }
        } catch (IOException e) {
            LOG.warn("cannot watch container={}", container, e);
        }
    }

    /** Watches one exec from now on; may be repeated. */
    void follow(ContainerId container, ExecId exec) {
        follow(places.exec(container, exec), () -> tellExec(container, exec, listeners));
    }

    /**
     * Says that the process of this directory is being made: until {@link #settled} nothing is concluded from its not being
     * there. Whoever looks at a container meanwhile, as everything does after a start of the agent, would take a process that
     * is not noted yet for one that ended unseen.
     */
    void expect(Path directory) {
        expected.add(directory);
    }

    /** Says that the process of this directory is noted, or given up. */
    void settled(Path directory) {
        expected.remove(directory);
    }

    /** Tells how an expected exec ended that nobody monitors, and writes it down as a monitor would. */
    void ended(ContainerId container, ExecId exec, int code) {
        Path directory = places.exec(container, exec);
        Runnable noting = () -> {
            try {
                Monitors.writeExit(directory, code);
            } catch (IOException e) {
                // Its container was removed meanwhile, and everything that was known of it.
                LOG.debug("an exec's end cannot be noted exec={} container={}", exec, container, e);
            }
        };
        try {
            teller.execute(() -> {
                // Told first, as somebody waits for it: until it is noted, too, nothing is concluded from its not being
                // so.
                tellExec(container, exec, code, listeners);
                noting.run();
                expected.remove(directory);
            });
        } catch (RejectedExecutionException e) {
            noting.run();
        }
    }

    private void follow(Path directory, Runnable ended) {
        if (watches.containsKey(directory)) {
            return;
        }
        try {
            Optional<Note> note = note(directory);
            if (note.isEmpty()) {
                return;
            }
            InitProcess process = note.get().process();
            boolean watched = isAlive(process.monitorPid(), note.get().monitorTicks());
            int pid = watched ? process.monitorPid() : process.pid();
            long ticks = watched ? note.get().monitorTicks() : process.startTicks();
            if (pid == 0) {
                return;
            }
            Processes.Watch watch = processes.watch(
                    pid,
                    ticks,
                    () -> afterLastWords(directory, () -> {
                        watches.remove(directory);
                        ended.run();
                        followed.remove(directory, note.get());
                        // The monitor was killed and its process lives on: then that is what to wait for.
                        if (watched && !isTold(directory, note.get()) && Files.isDirectory(directory)) {
                            follow(directory, ended);
                        }
                    }));
            followed.put(directory, note.get());
            watches.put(directory, watch);
        } catch (IOException e) {
            LOG.warn("cannot watch the process of directory={}", directory, e);
        }
    }

    /**
     * Nothing orders what comes over two connections: a client that waits for the end over one and listens over another reads
     * whichever it likes first, and some stop to listen when they have their answer. So the last words get a head start.
     */
    private void afterLastWords(Path directory, Runnable task) {
        if (heard.test(directory)) {
            later(HEAD_START, task);
        } else {
            later(task);
        }
    }

    private void later(Duration by, Runnable task) {
        CompletableFuture.delayedExecutor(by.toNanos(), TimeUnit.NANOSECONDS, this::later)
                .execute(task);
    }

    private void later(Runnable task) {
        try {
            teller.execute(task);
        } catch (RejectedExecutionException e) {
            LOG.debug("an exit comes while the runtime driver stops; the next one tells it");
        }
    }

    /**
     * A monitor leaves a file in the bundle when memory ran out, of which the kernel sends no message, and another when all is
     * over and in the log, a moment before its own end. Where clients are connected that is no sign yet: what the process said
     * last is with them only when the monitor has let go of them.
     */
    private void watchNames(ContainerId container, Path bundle) throws IOException {
        if (!nameWatches.containsKey(bundle) && Files.isDirectory(bundle)) {
            Processes.Watch watch = descriptors.watchNames(bundle, name -> {
                if (name.equals(Monitors.OOM) || name.isEmpty()) {
                    later(BOTH_MARKS, () -> tellOutOfMemory(container, bundle));
                }
                if (name.equals(Monitors.EXIT) && !attached.test(bundle)) {
                    later(() -> tellOnce(container));
                }
            });
            Processes.Watch other = nameWatches.putIfAbsent(bundle, watch);
            if (other != null) {
                watch.close();
            }
        }
    }

    /**
     * The kernel knows how a process ended before its monitor has written it down. Where clients are connected, and where
     * memory ran out, there is more to be heard of the monitor first.
     */
    private void watchReaped(ContainerId container, Path bundle) throws IOException {
        Note note = followed.get(bundle);
        if (note == null || reapings.containsKey(bundle)) {
            return;
        }
        InitProcess process = note.process();
        Processes.Watch watch = processes.watchReaped(process.pid(), process.startTicks(), code -> {
            Instant at = Instant.now();
            if (!attached.test(bundle)) {
                later(() -> tellReaped(container, note, code, at));
            }
        });
        Processes.Watch other = reapings.putIfAbsent(bundle, watch);
        if (other != null) {
            watch.close();
        }
    }

    private void tellReaped(ContainerId container, Note note, int code, Instant at) {
        Path bundle = places.bundle(container);
        try {
            if (!isTold(bundle, note) && !isOutOfMemory(note)) {
                tellExecs(container, listeners);
                tell(container, note, new Exit(code, at, false, false), listeners);
            }
        } catch (IOException e) {
            LOG.warn("cannot read the exit of container={}", container, e);
        }
    }

    private void tellOnce(ContainerId container) {
        Path bundle = places.bundle(container);
        try {
            Note known = followed.get(bundle);
            Optional<Note> note = (known == null ? note(bundle) : Optional.of(known)).filter(n -> !isTold(bundle, n));
            if (note.isPresent()) {
                tell(container, note, listeners);
            }
        } catch (IOException e) {
            LOG.warn("cannot read the exit of container={}", container, e);
        }
    }

    /** The end of one process says nothing of that of the next, though word of it may come when that has begun. */
    private boolean isTold(Path directory, Note note) {
        Whose last = told.get(directory);
        return Whose.EXEC.equals(last) || Whose.of(note).equals(last);
    }

    private void tellOutOfMemory(ContainerId container, Path bundle) {
        try {
            Path mark = bundle.resolve(Monitors.OOM);
            if (mark.toFile().exists() && Files.deleteIfExists(mark)) {
                listeners.forEach(listener -> guarded(() -> listener.outOfMemory(container)));
            }
        } catch (IOException e) {
            LOG.warn("cannot clear the out-of-memory mark container={}", container, e);
        }
    }

    private void tell(ContainerId container, List<ExitListener> to) {
        try {
            tell(container, note(places.bundle(container)), to);
        } catch (IOException e) {
            LOG.warn("cannot read the exit of container={}", container, e);
        }
    }

    private void tell(ContainerId container, Optional<Note> note, List<ExitListener> to) throws IOException {
        Path bundle = places.bundle(container);
        tellExecs(container, to);
        if (note.isEmpty() || note.get().process().pid() == 0) {
            return;
        }
        Optional<Exit> exit = exit(bundle, note.get());
        if (exit.isPresent()) {
            tellOutOfMemory(container, bundle);
            tell(container, note.get(), exit.get(), to);
        }
    }

    private void tell(ContainerId container, Note note, Exit exit, List<ExitListener> to) {
        told.put(places.bundle(container), Whose.of(note));
        to.forEach(listener -> guarded(() -> listener.exited(container, note.process(), exit)));
    }

    private void tellExecs(ContainerId container, List<ExitListener> to) throws IOException {
        for (ExecId exec : places.execIds(container)) {
            // Those who have listened for long were told then, and there may be hundreds.
            if (to != listeners || !told.containsKey(places.exec(container, exec))) {
                tellExec(container, exec, to);
            }
        }
    }

    private void tellExec(ContainerId container, ExecId exec, List<ExitListener> to) {
        Path directory = places.exec(container, exec);
        try {
            Optional<Exit> exit = exit(directory);
            if (exit.isPresent()) {
                tellExec(container, exec, exit.get().code(), to);
            }
        } catch (IOException e) {
            LOG.warn("cannot read the exit of exec={} container={}", exec, container, e);
        }
    }

    private void tellExec(ContainerId container, ExecId exec, int code, List<ExitListener> to) {
        if (to.isEmpty()) {
            return;
        }
        Path directory = places.exec(container, exec);
        told.put(directory, Whose.EXEC);
        to.forEach(listener -> guarded(() -> listener.execExited(container, exec, code)));
        try {
            Files.write(directory.resolve(TOLD), new byte[0]);
        } catch (IOException e) {
            LOG.debug("an end that was told is told again exec={} container={}", exec, container, e);
        }
        afterExec.accept(container);
    }

    private static void guarded(Runnable call) {
        try {
            call.run();
        } catch (RuntimeException e) {
            LOG.error("a listener to exits failed; the exit stays on disk and is told again at the next start", e);
        }
    }

    /** Whether the end of an exec was told, longer ago than {@code age}: then nobody will ask for its directory again. */
    static boolean isTold(Path exec, Duration age) {
        try {
            return Files.getLastModifiedTime(exec.resolve(TOLD))
                    .toInstant()
                    .isBefore(Instant.now().minus(age));
        } catch (IOException e) {
            return false;
        }
    }

    /**
     * How the process of this directory ended; empty while it or its monitor lives. A process that ended unseen gets an
     * inferred exit, which stays the same from then on.
     */
    Optional<Exit> exit(Path directory) throws IOException {
        Optional<Note> note = note(directory);
        return note.isEmpty() ? Optional.empty() : exit(directory, note.get());
    }

    private Optional<Exit> exit(Path directory, Note note) throws IOException {
        Optional<Monitors.Ended> written = Monitors.exit(directory);
        boolean outOfMemory = isOutOfMemory(note);
        if (written.isPresent()) {
            // conmon writes -1 where it does not know itself.
            int code = written.get().code();
            return Optional.of(
                    new Exit(code < 0 ? UNKNOWN_CODE : code, written.get().at(), outOfMemory, code < 0));
        }
        InitProcess process = note.process();
        if (expected.contains(directory)
                || isAlive(process.monitorPid(), note.monitorTicks())
                || isAlive(process.pid(), process.startTicks())) {
            return Optional.empty();
        }
        // Between our first look and this one the process may have been noted, or its monitor may have written and
        // ended.
        Optional<Note> again = note(directory);
        if (again.isEmpty()) {
            return Optional.empty();
        }
        if (!again.get().equals(note) || Monitors.exit(directory).isPresent()) {
            return exit(directory, again.get());
        }
        Path mark = directory.resolve(INFERRED);
        try {
            if (!Files.exists(mark)) {
                Files.write(mark, new byte[0]);
            }
            return Optional.of(
                    new Exit(UNKNOWN_CODE, Files.getLastModifiedTime(mark).toInstant(), outOfMemory, true));
        } catch (NoSuchFileException e) {
            // Deleted meanwhile, so whoever did that knows.
            return Optional.empty();
        }
    }

    private boolean isOutOfMemory(Note note) {
        return !note.cgroup().isEmpty() && cgroups.outOfMemoryKills(note.cgroup()) > 0;
    }

    /**
     * What is noted of a directory's process. Where the agent died while one was made, what the monitor left takes the place
     * of what the agent would have noted.
     */
    Optional<Note> note(Path directory) throws IOException {
        Optional<Note> note = Note.read(directory);
        if (note.isEmpty() || note.get().process().pid() != 0) {
            return note;
        }
        Optional<Monitors.Started> found = monitors.findUnnoted(directory);
        int pid = found.map(Monitors.Started::pid)
                .orElse(Monitors.containerPid(directory).orElse(0));
        return Optional.of(note.get()
                .with(
                        new InitProcess(
                                pid,
                                found.map(Monitors.Started::startTicks).orElse(0L),
                                found.map(Monitors.Started::monitorPid).orElse(0)),
                        found.map(Monitors.Started::monitorTicks).orElse(0L)));
    }

    boolean isAlive(int pid, long startTicks) {
        return pid > 0 && startTicks > 0 && processes.startTicks(pid).orElse(-1) == startTicks;
    }

    /** Waits until the end of a container, which is dead, and of its execs were told; then stops watching it. */
    void settle(ContainerId container) throws IOException {
        CompletableFuture<Boolean> done = new CompletableFuture<>();
        try {
            teller.execute(() -> {
                tellOnce(container);
                forget(container);
                done.complete(true);
            });
        } catch (RejectedExecutionException e) {
            // This driver stops: nobody listens to it any more, and it watches nothing.
            return;
        }
        Programs.await(done, SETTLE_PATIENCE, "telling of an exit");
    }

    private void forget(ContainerId container) {
        Path bundle = places.bundle(container);
        for (Map<Path, ? extends AutoCloseable> map : List.of(watches, nameWatches, reapings)) {
            map.entrySet().removeIf(entry -> {
                boolean ours = entry.getKey().startsWith(bundle);
                if (ours) {
                    close(entry.getValue());
                }
                return ours;
            });
        }
        followed.keySet().removeIf(directory -> directory.startsWith(bundle));
        told.keySet().removeIf(directory -> directory.startsWith(bundle));
        expected.removeIf(directory -> directory.startsWith(bundle));
    }

    private static void close(AutoCloseable closeable) {
        try {
            closeable.close();
        } catch (Exception e) {
            LOG.debug("a watch was closed before", e);
        }
    }

    void close() {
        listeners.clear();
        watches.values().forEach(Exits::close);
        nameWatches.values().forEach(Exits::close);
        reapings.values().forEach(Exits::close);
        watches.clear();
        nameWatches.clear();
        reapings.clear();
    }
}
