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
        List<Integer> lent = new ArrayList<>();
        Descriptors.Pair sync = descriptors.pipe(false);
        Programs.Listening answer = programs.listen(sync.near());
        lent.add(sync.far());
        Descriptors.Pair complaints = descriptors.pipe(false);
        Programs.Listening complaint = programs.listen(complaints.near());
        lent.add(complaints.far());
        Optional<Descriptors.Pair> go = Optional.empty();
        Optional<Programs.Listening> ready = Optional.empty();
        CompletableFuture<Integer> parted = new CompletableFuture<>();
        try {
            List<Integer> given = new ArrayList<>(List.of(Spawn.NULL, Spawn.NULL, complaints.far(), sync.far()));
            Map<String, String> environment = new HashMap<>(Programs.ENVIRONMENT);
            environment.put("TMPDIR", socketDirectory().toString());
            environment.put("_OCI_SYNCPIPE", "3");
            if (early.isPresent()) {
                Descriptors.Pair startPipe = descriptors.pipe(false);
                go = Optional.of(startPipe);
                lent.add(startPipe.near());
                given.add(startPipe.near());
                environment.put("_OCI_STARTPIPE", "4");
                Descriptors.Pair attachPipe = descriptors.pipe(false);
                lent.add(attachPipe.far());
                ready = Optional.of(programs.listen(attachPipe.near()));
                given.add(attachPipe.far());
                environment.put("_OCI_ATTACHPIPE", "5");
            }
            processes.spawn(
                    new Spawn(
                            program,
                            "conmon",
                            arguments(order, early.isPresent()),
                            environment,
                            order.directory(),
                            given,
                            false),
                    parted::complete);
            lent.forEach(descriptors::close);
            lent.clear();
            if (early.isPresent()) {
                say(go.orElseThrow());
                Programs.await(ready.orElseThrow().firstLine(), patience, "the monitor of an exec");
                early.get().connect();
                say(go.orElseThrow());
            }
            String line =
                    Programs.await(answer.firstLine(), patience, order.runtime().name());
            return read(order, line, complaint, parted);
        } catch (IOException e) {
            kill(order.directory());
            throw e;
        } finally {
            lent.forEach(descriptors::close);
            go.ifPresent(pair -> descriptors.close(pair.far()));
            ready.ifPresent(Programs.Listening::close);
            answer.close();
            complaint.close();
        }
    }

    private void say(Descriptors.Pair pipe) throws IOException {
        descriptors.write(pipe.far(), ByteBuffer.wrap(new byte[] {'\n'}));
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
