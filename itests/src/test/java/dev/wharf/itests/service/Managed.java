package dev.wharf.itests.service;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.wharf.itests.conformance.SharedAgent;
import dev.wharf.itests.daemon.Outcome;
import dev.wharf.itests.daemon.Traces;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/** An agent that a service manager started, with the socket that it listens on; {@code service/manager.py} plays the manager. */
final class Managed implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(40);
    private static final ObjectMapper JSON = new ObjectMapper();
    // The pid keeps what two JVMs run at once apart: of two bridges with one subnet only the first is reached.
    private static final long PID = ProcessHandle.current().pid();
    private static final String BRIDGE = "wm" + PID % 1_000_000;
    private static final String BIP = "10." + (PID % 2 == 0 ? 145 : 146) + "." + PID / 2 % 250 + ".1/24";

    private final Path folder;
    private final Process manager;
    private final BufferedReader answers;

    private Managed(Path folder, Process manager) {
        this.folder = folder;
        this.manager = manager;
        this.answers = new BufferedReader(new InputStreamReader(manager.getInputStream(), StandardCharsets.UTF_8));
    }

    /** Starts the installation at {@code home}, and answers once it says that it is ready. */
    static Managed start(Path home, Path folder, Duration watchdog) throws Exception {
        Files.createDirectories(folder.resolve("run"));
        Files.createDirectories(folder.resolve("etc"));
        Files.writeString(folder.resolve("etc/wharfd.conf"), settings(folder));
        SharedAgent.offerBusybox(folder.resolve("data"));
        Path script = Path.of(Objects.requireNonNull(Managed.class.getResource("/service/manager.py"))
                .toURI());
        List<String> command = new ArrayList<>(List.of(
                "python3",
                script.toString(),
                folder.resolve("run/wharf.sock").toString(),
                folder.toString(),
                Long.toString(watchdog.toMillis() * 1000),
                home.resolve("bin/wharfd").toString(),
                "--host=fd://",
                "--data-root=" + folder.resolve("data"),
                "--exec-root=" + folder.resolve("run"),
                "--config-dir=" + folder.resolve("etc"),
                "--bridge=" + BRIDGE,
                "--bip=" + BIP));
        Process process = new ProcessBuilder(command)
                .redirectError(folder.resolve("manager.log").toFile())
                .start();
        Managed managed = new Managed(folder, process);
        managed.answer();
        managed.awaitTold(line -> line.startsWith("READY=1"), 1);
        return managed;
    }

    /** The manager keeps the log, too, as journald does. */
    static String settings(Path folder) {
        return "wharf.journald = " + folder.resolve("journald") + "\n";
    }

    Path folder() {
        return folder;
    }

    Path socket() {
        return folder.resolve("run/wharf.sock");
    }

    /** What was printed: what came before there was a way to journald, and after. */
    String log() throws IOException {
        return Files.readString(folder.resolve("log"));
    }

    /** What journald was sent, an entry a line. */
    List<JsonNode> journal() throws IOException {
        List<JsonNode> entries = new ArrayList<>();
        for (String line : Files.readAllLines(folder.resolve("journal"))) {
            entries.add(JSON.readTree(line));
        }
        return entries;
    }

    /** What the manager was told so far, a message a line. */
    List<String> told() throws IOException {
        Path told = folder.resolve("told");
        return Files.exists(told) ? Files.readAllLines(told) : List.of();
    }

    /** Waits until so many messages of a kind have come. */
    void awaitTold(Predicate<String> kind, long count) throws IOException, InterruptedException {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (told().stream().filter(kind).count() < count) {
            if (System.nanoTime() > end || !manager.isAlive()) {
                List<String> said = journal().stream()
                        .map(entry -> entry.path("MESSAGE").asText())
                        .toList();
                throw new IOException("the manager was only told " + told() + "\n" + log() + said);
            }
            Thread.sleep(20);
        }
    }

    String command(String word) throws IOException {
        OutputStream to = manager.getOutputStream();
        to.write((word + "\n").getBytes(StandardCharsets.UTF_8));
        to.flush();
        return answer();
    }

    private String answer() throws IOException {
        String line = answers.readLine();
        if (line == null)
            throw new IOException("the manager ended\n" + Files.readString(folder.resolve("manager.log")));
        return line;
    }

    String docker(String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("docker"));
        command.addAll(List.of(arguments));
        return Outcome.of(
                        command,
                        Map.of(
                                "DOCKER_HOST",
                                "unix://" + socket(),
                                "DOCKER_CONFIG",
                                folder.resolve("docker").toString()),
                        Duration.ofMinutes(1))
                .outOrThrow()
                .strip();
    }

    Outcome wharf(Path home, String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(home.resolve("bin/wharf").toString()));
        command.addAll(List.of(arguments));
        return Outcome.of(command, Map.of("WHARF_HOST", "unix://" + socket()), Duration.ofMinutes(1));
    }

    @Override
    public void close() throws Exception {
        try {
            String all = docker("ps", "--all", "--quiet");
            for (String id : all.lines().toList()) {
                docker("rm", "--force", id);
            }
        } finally {
            if (manager.isAlive()) command("stop");
            if (!manager.waitFor(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
                manager.destroyForcibly().waitFor();
            }
            Traces.remove(folder.resolve("run"), BRIDGE);
            Outcome.of(
                    "rm",
                    "-rf",
                    "--one-file-system",
                    folder.resolve("data").toString(),
                    folder.resolve("run").toString());
        }
    }
}
