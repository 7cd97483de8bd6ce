package dev.wharf.runtime;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.model.InitProcess;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Optional;

/**
 * What a process's starter writes down beside it for whoever comes next: which runtime made it, who it is, who watches it. A
 * pid alone could be used again by the kernel, so each comes with its start time.
 *
 * @param runtime the OCI runtime's program, which has to take down what it made, even when another is chosen by then
 * @param runtimeRoot that runtime's state directory
 * @param monitorTicks the monitor's start time, as {@link InitProcess#startTicks}
 * @param terminal whether its streams are a terminal
 * @param stdin whether it has a standard input at all
 * @param keepsStdin whether that stays open when the monitor's client goes
 * @param cgroup its cgroup's path below each hierarchy's root
 */
record Note(
        Path runtime,
        Path runtimeRoot,
        int generation,
        InitProcess process,
        long monitorTicks,
        boolean terminal,
        boolean stdin,
        boolean keepsStdin,
        String cgroup) {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String FILE = "process.note";

    /** Whether crun made the process, whose state directory is known well enough to spare its shorter runs. */
    boolean isOfCrun() {
        return runtime.endsWith("crun");
    }

    static Optional<Note> read(Path directory) throws IOException {
        Path file = directory.resolve(FILE);
        // Asked of every exec before it begins; Files would make an exception of it, also where it is asked whether one
        // exists.
        if (!file.toFile().exists()) {
            return Optional.empty();
        }
        String text;
        try {
            text = Files.readString(file);
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
        // The last line that is whole; agents of before wrote one without an end.
        int end = text.lastIndexOf('\n');
        JsonNode node = JSON.readTree(end < 0 ? text : text.substring(text.lastIndexOf('\n', end - 1) + 1, end));
        return Optional.of(new Note(
                Path.of(node.path("runtime").asText()),
                Path.of(node.path("runtimeRoot").asText()),
                node.path("generation").asInt(),
                new InitProcess(
                        node.path("pid").asInt(),
                        node.path("startTicks").asLong(),
                        node.path("monitorPid").asInt()),
                node.path("monitorTicks").asLong(),
                node.path("terminal").asBoolean(),
                node.path("stdin").asBoolean(),
                node.path("keepsStdin").asBoolean(),
                node.path("cgroup").asText()));
    }

    /** The same note, once it is known who the process and its monitor are. */
    Note with(InitProcess known, long knownMonitorTicks) {
        return new Note(
                runtime, runtimeRoot, generation, known, knownMonitorTicks, terminal, stdin, keepsStdin, cgroup);
    }

    /** Begins the file, in place of one of before, in one stroke: a reader sees all of this note or none. */
    void begin(Path directory) throws IOException {
        Path draft = directory.resolve(FILE + ".draft");
        Files.write(draft, line());
        Files.move(draft, directory.resolve(FILE), StandardCopyOption.ATOMIC_MOVE);
    }

    /**
     * Says what has become of the note that this file was begun with: one more line. To put a whole file in place of the
     * first would have the file system write that out at once (auto_da_alloc of ext4(5)), and a process wait for it.
     */
    void settle(Path directory) throws IOException {
        Files.write(directory.resolve(FILE), line(), StandardOpenOption.APPEND);
    }

    private byte[] line() throws IOException {
        ObjectNode node = JSON.createObjectNode()
                .put("runtime", runtime.toString())
                .put("runtimeRoot", runtimeRoot.toString())
                .put("generation", generation)
                .put("pid", process.pid())
                .put("startTicks", process.startTicks())
                .put("monitorPid", process.monitorPid())
                .put("monitorTicks", monitorTicks)
                .put("terminal", terminal)
                .put("stdin", stdin)
                .put("keepsStdin", keepsStdin)
                .put("cgroup", cgroup);
        return (node + "\n").getBytes(StandardCharsets.UTF_8);
    }
}
