package dev.wharf.runtime;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.wharf.model.ContainerId;
import dev.wharf.model.Signal;
import dev.wharf.spi.kernel.Descriptors;
import dev.wharf.spi.kernel.Processes;
import dev.wharf.spi.kernel.Processes.Spawn;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;

/**
 * Starts and speaks to monitors. A monitor is one conmon per process: it runs the OCI runtime, keeps the streams, writes the
 * log and at the end a file with the exit status (conmon(8), and its sources for the pipes and files named here).
 *
 * <p>It is started in the process's own directory, where it leaves {@code pidfile}, {@code conmon.pid}, the sockets {@code
 * attach} and {@code ctl}, and in the end {@code exit}; {@code oom} where memory ran out.
 */
final class Monitors {
    /** What a monitor writes when the process has ended: the exit status in decimal. */
    static final String EXIT = "exit";

    static final String OOM = "oom";
    private static final String ATTACH = "attach";
    private static final String PID = "pidfile";
    private static final String MONITOR_PID = "conmon.pid";

    /** conmon refuses larger terminals. */
    private static final int LARGEST_SIDE = 1000;

    /** The longest directory in which conmon's console socket still fits into sun_path (unix(7)). */
    private static final int LONGEST_SOCKET_DIRECTORY = 80;

    private static final ObjectMapper JSON = new ObjectMapper();

    private final Path program;
    private final Processes processes;
    private final Descriptors descriptors;
    private final Programs programs;
    private final SealedPrograms sealed;
    private final Path sockets;
    private final Duration patience;

    /** Monitors that keep their console sockets in {@code sockets} and may take {@code patience} to make a process. */
    Monitors(
            Path program,
            Processes processes,
            Descriptors descriptors,
            Programs programs,
            SealedPrograms sealed,
            Path sockets,
            Duration patience) {
        this.program = program;
        this.processes = processes;
        this.descriptors = descriptors;
        this.programs = programs;
        this.sealed = sealed;
        this.sockets = sockets;
        this.patience = patience;
    }

    /**
     * What to start.
     *
     * @param directory the process's own, also the bundle where it is a container's first
     * @param processSpec the process.json of an exec, none for a container's first process
     * @param log the log's file, none where nobody keeps it
     */
    record Order(
            ContainerId container,
            RuntimeBinary runtime,
            Path directory,
            Optional<Path> processSpec,
            Optional<Path> log,
            boolean terminal,
            boolean stdin,
            boolean keepsStdin) {}

    /** A monitor and what it watches. Start times are 0 where a process had ended before it could be looked at. */
    record Started(int pid, long startTicks, int monitorPid, long monitorTicks) {}

    /** Says that the runtime could not make the process, in its own words. */
    static final class Refused extends Exception {
        private static final long serialVersionUID = 1L;

        private final String words;
        private final boolean silent;

        Refused(String words) {
            this(words, false);
        }

        private Refused(String words, boolean silent) {
            super(words);
            this.words = words;
            this.silent = silent;
        }

        /** The runtime gave no reason, or gave it to a terminal that nobody reads yet. */
        static Refused silent(RuntimeBinary runtime) {
            return new Refused(runtime.name() + " made no process and gave no reason", true);
        }

        boolean isSilent() {
            return silent;
        }

        String words() {
            return words;
        }
    }

    /** Connects streams that wait for a process; called when its socket is there and before the process can run. */
    interface Connect {
        void connect() throws IOException;
    }

    /**
     * Starts a monitor, which has the runtime make the process, and waits until that is done. An exec with {@code early}
     * streams runs only when these are connected.
     */
    Started start(Order order, Optional<Connect> early) throws IOException, Refused {
        try (Ready ready = prepare(order, early.isPresent())) {
            return ready.go(early);
        }
    }

    /** Starts a monitor that waits for {@link Ready#go}; {@code early} says whether streams are to be connected first. */
    Ready prepare(Order order, boolean early) throws IOException {
        return new Ready(order, early);
    }

    /**
     * A monitor that was started and waits before its first deed, at a pipe of ours. Until it gets there it is busy with its
     * own start, for longer than it takes to write down what it is to run. If this agent dies it does not wait any more, as
     * one does that was told to go; what it makes then is found by the next agent, as is what it cannot make.
     */
    final class Ready implements AutoCloseable {
        private final Order order;
        private final boolean early;
        private final Descriptors.Pair start;
        private final Programs.Listening answer;
        private final Programs.Listening complaint;
        private final Optional<Programs.Listening> attachable;
        private final CompletableFuture<Integer> parted = new CompletableFuture<>();
        private final int pid;
        private boolean went;

        private Ready(Order order, boolean early) throws IOException {
            this.order = order;
            this.early = early;
            List<Integer> lent = new ArrayList<>();
            List<AutoCloseable> mine = new ArrayList<>();
            try {
                answer = listen(lent, mine);
                complaint = listen(lent, mine);
                start = descriptors.pipe(false);
                lent.add(start.near());
                mine.add(() -> descriptors.close(start.far()));
                attachable = early ? Optional.of(listen(lent, mine)) : Optional.empty();
                // In the order in which they were lent: answer 3, complaints 2, start 4, attach 5.
                List<Integer> given =
                        new ArrayList<>(List.of(Spawn.NULL, Spawn.NULL, lent.get(1), lent.get(0), lent.get(2)));
                Map<String, String> environment = new HashMap<>(Programs.ENVIRONMENT);
                environment.put("TMPDIR", socketDirectory().toString());
                environment.put("_OCI_SYNCPIPE", "3");
                environment.put("_OCI_STARTPIPE", "4");
                if (early) {
                    given.add(lent.get(3));
                    environment.put("_OCI_ATTACHPIPE", "5");
                }
                pid = processes.spawn(
                        new Spawn(
                                program,
                                "conmon",
                                arguments(order, early),
                                environment,
                                order.directory(),
                                given,
                                false),
                        parted::complete);
            } catch (IOException | RuntimeException e) {
                mine.forEach(Monitors::closeQuietly);
                throw e;
            } finally {
                lent.forEach(descriptors::close);
            }
        }

        private Programs.Listening listen(List<Integer> lent, List<AutoCloseable> mine) throws IOException {
            Descriptors.Pair pipe = descriptors.pipe(false);
            lent.add(pipe.far());
            Programs.Listening listening = programs.listen(pipe.near());
            mine.add(listening);
            return listening;
        }

        /** Has the monitor begin, and waits until the process is made. */
        Started go(Optional<Connect> connect) throws IOException, Refused {
            went = true;
            try {
                say();
                if (early) {
                    Programs.await(attachable.orElseThrow().firstLine(), patience, "the monitor of an exec");
                    connect.orElseThrow().connect();
                    say();
                }
                String line = Programs.await(
                        answer.firstLine(), patience, order.runtime().name());
                return read(order, line, complaint, parted);
            } catch (IOException e) {
                kill(order.directory());
                throw e;
            }
        }

        private void say() throws IOException {
            descriptors.write(start.far(), ByteBuffer.wrap(new byte[] {'\n'}));
        }

        /** Ends a monitor that was not let go; the process of one that was runs on. */
        @Override
        public void close() throws IOException {
            try {
                OptionalLong ticks = went ? OptionalLong.empty() : processes.startTicks(pid);
                if (ticks.isPresent()) {
                    // Before its pipe is closed, which it would take for leave to go.
                    processes.signal(pid, ticks.getAsLong(), Signal.KILL);
                }
            } finally {
                descriptors.close(start.far());
                attachable.ifPresent(Programs.Listening::close);
                answer.close();
                complaint.close();
            }
        }
    }

    private static void closeQuietly(AutoCloseable closeable) {
        try {
            closeable.close();
        } catch (Exception e) {
            throw new IllegalStateException("closing a descriptor does not fail", e);
        }
    }

    private Started read(Order order, String line, Programs.Listening complaint, CompletableFuture<Integer> parted)
            throws IOException, Refused {
        if (line.isBlank()) {
            complaint.settle(Duration.ofMillis(200));
            String words = complaint.text().strip();
            throw words.isEmpty() ? Refused.silent(order.runtime()) : new Refused(words);
        }
        JsonNode message;
        try {
            message = JSON.readTree(line);
        } catch (JsonProcessingException e) {
            throw new Refused("the monitor answered with something else than JSON: " + line.strip());
        }
        // An API-1 monitor says "data" for both, an older one "pid" or "exit_code".
        int pid = message.has("data")
                ? message.path("data").asInt(-1)
                : message.path("pid").asInt(-1);
        if (pid <= 0) {
            String words = message.path("message").asText("").strip();
            throw words.isEmpty() ? Refused.silent(order.runtime()) : new Refused(words);
        }
        // The monitor is a child of what was started here, which writes down who that is and ends. On a busy host the
        // child may have made the process before its parent comes to that. Nobody would wait for a monitor without a
        // pid when the process ends, and its exit code would be lost.
        Programs.await(parted, patience, "who starts the monitor");
        int monitor = monitorPid(order.directory())
                .orElseThrow(() -> new IOException("the monitor of process " + pid + " did not say who it is"));
        return new Started(
                pid,
                processes.startTicks(pid).orElse(0),
                monitor,
                processes.startTicks(monitor).orElse(0));
    }

    private Path socketDirectory() throws IOException {
        return sockets.toString().length() <= LONGEST_SOCKET_DIRECTORY ? Places.make(sockets) : Path.of("/tmp");
    }

    private List<String> arguments(Order order, boolean early) throws IOException {
        Path directory = order.directory();
        List<String> arguments = new ArrayList<>(List.of(
                "--api-version",
                "1",
                "--cid",
                order.container().value(),
                "--cuuid",
                order.container().value(),
                "--runtime",
                sealed.of(order.runtime().path()).toString(),
                "--bundle",
                directory.toString(),
                "--full-attach",
                "--container-pidfile",
                directory.resolve(PID).toString(),
                "--conmon-pidfile",
                directory.resolve(MONITOR_PID).toString(),
                "--persist-dir",
                directory.toString(),
                "--no-sync-log"));
        for (String argument : order.runtime().globalArguments()) {
            arguments.add("--runtime-arg");
            arguments.add(argument);
        }
        arguments.add("--log-path");
        arguments.add(order.log().map(log -> "k8s-file:" + log).orElse("none"));
        if (order.terminal()) {
            arguments.add("--terminal");
        }
        if (order.stdin()) {
            arguments.add("--stdin");
        }
        if (order.keepsStdin()) {
            arguments.add("--leave-stdin-open");
        }
        order.processSpec().ifPresent(spec -> {
            arguments.add("--exec");
            arguments.add("--exec-process-spec");
            arguments.add(spec.toString());
        });
        if (early) {
            arguments.add("--exec-attach");
        }
        return arguments;
    }

    /** The socket on which a monitor gives out the streams: packets, the first byte says which stream. */
    static Path attachSocket(Path directory) {
        return directory.resolve(ATTACH);
    }

    /** Tells the monitor the terminal's size, through its control pipe. */
    static void resize(Path directory, int rows, int columns) throws IOException {
        tell(directory, "1 " + Math.min(rows, LARGEST_SIDE) + " " + Math.min(columns, LARGEST_SIDE));
    }

    /** Tells the monitor that the path of its log is free, to begin it anew there. */
    static void reopenLog(Path directory) throws IOException {
        tell(directory, "2 0 0");
    }

    private static void tell(Path directory, String message) throws IOException {
        // Opened for both, a FIFO never waits for a reader (fifo(7)).
        try (FileChannel control =
                FileChannel.open(directory.resolve("ctl"), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            control.write(ByteBuffer.wrap((message + "\n").getBytes(StandardCharsets.US_ASCII)));
        }
    }

    /** The exit that a monitor wrote, and when it did. Empty while there is none; a torn one counts as none. */
    static Optional<Ended> exit(Path directory) throws IOException {
        Path file = directory.resolve(EXIT);
        try {
            String text = Files.readString(file).strip();
            return Optional.of(new Ended(
                    Integer.parseInt(text), Files.getLastModifiedTime(file).toInstant()));
        } catch (NoSuchFileException | NumberFormatException e) {
            return Optional.empty();
        }
    }

    /** Writes the file that a monitor would have written, in one stroke. */
    static void writeExit(Path directory, int code) throws IOException {
        Path draft = directory.resolve(EXIT + ".draft");
        Files.writeString(draft, Integer.toString(code));
        Files.move(draft, directory.resolve(EXIT), StandardCopyOption.ATOMIC_MOVE);
    }

    /** An exit status and its time. */
    record Ended(int code, Instant at) {}

    /** The pid in a pid file, if it is there and whole. */
    static OptionalInt containerPid(Path directory) throws IOException {
        return pid(directory.resolve(PID));
    }

    static OptionalInt monitorPid(Path directory) throws IOException {
        return pid(directory.resolve(MONITOR_PID));
    }

    private static OptionalInt pid(Path file) throws IOException {
        try {
            return OptionalInt.of(Integer.parseInt(Files.readString(file).strip()));
        } catch (NoSuchFileException | NumberFormatException e) {
            return OptionalInt.empty();
        }
    }

    /**
     * The start time of the monitor of this directory, if it lives. One that was started by an agent that died before it
     * could note who that was is known by its arguments.
     */
    Optional<Started> findUnnoted(Path directory) throws IOException {
        OptionalInt monitor = monitorPid(directory);
        if (monitor.isEmpty() || !isMonitorOf(monitor.getAsInt(), directory)) {
            return Optional.empty();
        }
        int pid = containerPid(directory).orElse(0);
        return Optional.of(new Started(
                pid,
                pid == 0 ? 0 : processes.startTicks(pid).orElse(0),
                monitor.getAsInt(),
                processes.startTicks(monitor.getAsInt()).orElse(0)));
    }

    private static boolean isMonitorOf(int pid, Path directory) {
        try {
            String arguments =
                    Files.readString(Path.of("/proc", Integer.toString(pid), "cmdline"), StandardCharsets.ISO_8859_1);
            return arguments.contains("--bundle\0" + directory + "\0");
        } catch (IOException e) {
            return false;
        }
    }

    /** Ends the monitor of a directory at once, and with it a runtime that hangs: conmon takes that along. */
    void kill(Path directory) throws IOException {
        Optional<Started> found = findUnnoted(directory);
        if (found.isPresent()) {
            processes.signal(found.get().monitorPid(), found.get().monitorTicks(), Signal.KILL);
        }
    }
}
