package dev.wharf.itests.daemon;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * One {@code wharfd} with roots, a socket and a bridge of its own, so that tests run beside one another and beside an
 * agent that the host may have. Closing it stops it; what it wrote to its log stays for the report.
 */
public final class Daemon implements AutoCloseable {
    /** How long a start or a stop may take on a machine that is busy with other things. */
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private static final AtomicInteger COUNT = new AtomicInteger();

    private final Path home;
    private final Path folder;
    private final String bridge;
    private final String bip;
    private final List<String> options;
    private Process process;

    private Daemon(Path home, Path folder, List<String> options) throws IOException {
        int number = COUNT.incrementAndGet();
        this.home = home;
        this.folder = folder;
        // The pid keeps two test runs on one machine apart.
        this.bridge = "wt" + ProcessHandle.current().pid() % 100_000 + "x" + number;
        this.bip = "10." + (100 + number % 100) + "." + ProcessHandle.current().pid() % 250 + ".1/24";
        this.options = options;
        Files.createDirectories(folder);
        this.process = launch();
    }

    /** The folder that the build made and that would be shipped. */
    public static Path distribution() {
        return Path.of(System.getProperty("wharf.dist", "../dist/target/wharf"))
                .toAbsolutePath()
                .normalize();
    }

    /** Starts an agent whose roots lie in {@code folder}, and waits until it answers. */
    public static Daemon start(Path folder, String... options) throws IOException, InterruptedException {
        return start(distribution(), folder, options);
    }

    /** The same for a distribution that lies elsewhere. */
    public static Daemon start(Path home, Path folder, String... options) throws IOException, InterruptedException {
        Daemon daemon = new Daemon(home, folder, List.of(options));
        try {
            daemon.awaitAnswer();
            return daemon;
        } catch (IOException | InterruptedException e) {
            daemon.kill();
            throw e;
        }
    }

    /** Runs {@code wharfd} with these options to its end. */
    public static Outcome run(String... options) throws IOException, InterruptedException {
        List<String> command =
                new ArrayList<>(List.of(distribution().resolve("bin/wharfd").toString()));
        command.addAll(List.of(options));
        return Outcome.of(command, Map.of(), PATIENCE);
    }

    private Process launch() throws IOException {
        List<String> command = new ArrayList<>(List.of(
                home.resolve("bin/wharfd").toString(),
                "--data-root=" + dataRoot(),
                "--exec-root=" + execRoot(),
                "--host=" + host(),
                "--bridge=" + bridge,
                "--bip=" + bip));
        command.addAll(options);
        ProcessBuilder builder = new ProcessBuilder(command);
        // As a manager of services starts it: with next to nothing, and in no language.
        builder.environment().keySet().retainAll(List.of("PATH", "JAVA_HOME"));
        return builder.redirectInput(
                        ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log().toFile()))
                .redirectError(ProcessBuilder.Redirect.appendTo(log().toFile()))
                .start();
    }

    public Path home() {
        return home;
    }

    public Path dataRoot() {
        return folder.resolve("data");
    }

    public Path execRoot() {
        return folder.resolve("run");
    }

    public Path socket() {
        return execRoot().resolve("wharf.sock");
    }

    /** The address of the socket, as {@code DOCKER_HOST} wants it. */
    public String host() {
        return "unix://" + socket();
    }

    public String bridge() {
        return bridge;
    }

    public Path log() {
        return folder.resolve("wharfd.log");
    }

    public long pid() {
        return process.pid();
    }

    public boolean isAlive() {
        return process.isAlive();
    }

    /** Waits until {@code /_ping} is answered. */
    public void awaitAnswer() throws IOException, InterruptedException {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (System.nanoTime() < deadline) {
            if (!process.isAlive()) {
                throw new IOException("wharfd ended with " + process.exitValue() + "\n" + Files.readString(log()));
            }
            if (Files.exists(socket()) && ping().status() == 0) return;
            Thread.sleep(20);
        }
        throw new IOException("wharfd does not answer on " + socket() + "\n" + Files.readString(log()));
    }

    /** Asks {@code /_ping}, quietly. */
    public Outcome ping() throws IOException, InterruptedException {
        return curl("/_ping");
    }

    /** Sends a request with curl, whose further {@code options} may name a method, headers and a body; answers the body. */
    public Outcome curl(String path, String... options) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(
                List.of("curl", "--silent", "--show-error", "--fail-with-body", "--unix-socket", socket().toString()));
        command.addAll(List.of(options));
        command.add("http://wharf" + path);
        return Outcome.of(command, Map.of(), PATIENCE);
    }

    /** Runs the docker command against this agent. */
    public Outcome docker(String... arguments) throws IOException, InterruptedException {
        return against("docker", arguments);
    }

    /** Runs the wharf command against this agent. */
    public Outcome wharf(String... arguments) throws IOException, InterruptedException {
        return against(home.resolve("bin/wharf").toString(), arguments);
    }

    private Outcome against(String program, String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(program));
        command.addAll(List.of(arguments));
        return Outcome.of(command, environment(), Duration.ofMinutes(2));
    }

    /** What a client of this agent needs in its environment. */
    public Map<String, String> environment() {
        return Map.of(
                "DOCKER_HOST", host(), "DOCKER_CONFIG", folder.resolve("docker").toString());
    }

    /** Asks the agent to stop, as a supervisor would, and answers its exit status. */
    public int stop() throws InterruptedException, IOException {
        process.destroy();
        return awaitEnd();
    }

    /** Takes the agent away without a word, as the kernel would when memory is short. */
    public void kill() throws InterruptedException, IOException {
        process.destroyForcibly();
        awaitEnd();
    }

    /** Starts the agent again on the same roots. */
    public void restart() throws IOException, InterruptedException {
        if (process.isAlive()) throw new IllegalStateException("wharfd still runs with pid " + pid());
        process = launch();
        awaitAnswer();
    }

    private int awaitEnd() throws InterruptedException, IOException {
        if (!process.waitFor(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
            throw new IOException("wharfd does not end\n" + Files.readString(log()));
        }
        return process.exitValue();
    }

    /** Removes every container with its endpoints, then stops the agent, and takes away what it left. */
    @Override
    public void close() throws IOException, InterruptedException {
        if (process.isAlive()) {
            removeContainers();
            // Their bridges would stay on the host, as they do for the next start of the agent.
            docker("network", "prune", "--force");
            stop();
        }
        Traces.remove(execRoot(), bridge);
        // Whole systems lie there, and a test framework that deletes them file by file stops at each link.
        Outcome.of(
                "rm",
                "-rf",
                "--one-file-system",
                dataRoot().toString(),
                execRoot().toString());
    }

    private void removeContainers() throws IOException, InterruptedException {
        Outcome listed = docker("ps", "--all", "--quiet");
        if (listed.status() != 0 || listed.out().isBlank()) return;
        List<String> remove = new ArrayList<>(List.of("rm", "--force", "--volumes"));
        remove.addAll(listed.out().lines().toList());
        docker(remove.toArray(String[]::new));
    }

    /** Copies the distribution, as an operator who puts it into {@code /opt} does. */
    public static Path copyTo(Path target) throws IOException, InterruptedException {
        Outcome.of("cp", "--archive", distribution().toString(), target.toString())
                .outOrThrow();
        return target;
    }
}
