package dev.wharf.itests.crash;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.itests.conformance.SharedAgent;
import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.daemon.Outcome;
import dev.wharf.itests.daemon.Traces;
import dev.wharf.itests.images.Images;
import dev.wharf.itests.images.LoopbackRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What containers notice of their agent's death: nothing. */
class CrashIT {
    private static final int ROUNDS = Integer.getInteger("crash.rounds", 10);

    private static final String SERVER = "mkdir /www; echo ahoy > /www/index.html; exec httpd -f -p 80 -h /www";

    @TempDir
    private Path folder;

    private final List<Daemon> daemons = new ArrayList<>();

    @AfterEach
    void closeAll() throws Exception {
        for (Daemon daemon : daemons) {
            if (!daemon.isAlive()) daemon.restart();
            daemon.close();
        }
    }

    private Daemon start(String name) throws Exception {
        Daemon daemon = SharedAgent.withBusybox(folder.resolve(name));
        daemons.add(daemon);
        return daemon;
    }

    private static String docker(Daemon daemon, String... arguments) throws IOException, InterruptedException {
        return daemon.docker(arguments).outOrThrow().strip();
    }

    private static String inspect(Daemon daemon, String name, String format) throws Exception {
        return docker(daemon, "inspect", "--format", format, name);
    }

    private static void assertServes(int port) throws Exception {
        assertThat(Outcome.of("curl", "-sS", "--fail", "--max-time", "5", "http://127.0.0.1:" + port + "/")
                        .outOrThrow())
                .isEqualTo("ahoy\n");
    }

    private static void awaitServer(int port) throws Exception {
        for (int i = 0; i < 600; i++) {
            if (Outcome.of("curl", "-sS", "--max-time", "5", "http://127.0.0.1:" + port + "/")
                            .status()
                    == 0) return;
            Thread.sleep(50);
        }
        assertServes(port);
    }

    @Test
    @Timeout(600)
    void anAgentThatIsKilledAtAnyInstantFindsEverythingAgain() throws Exception {
        long seed = Long.getLong("crash.seed", System.nanoTime());
        System.out.println("CrashIT: -Dcrash.seed=" + seed);
        Random chance = new Random(seed);
        Daemon daemon = start("agent");
        Outcome.of(
                        "cp",
                        "-r",
                        Images.busybox().toString(),
                        daemon.dataRoot().resolve("layouts/layout.local/other").toString())
                .outOrThrow();
        Path signals = Files.createDirectories(folder.resolve("signals"));
        int port = LoopbackRegistry.freePort();
        docker(daemon, "run", "-d", "--name", "keeper", "-p", port + ":80", "busybox", "sh", "-c", SERVER);
        String keeper = inspect(daemon, "keeper", "{{.Id}} {{.State.Pid}} {{.State.StartedAt}}");
        awaitServer(port);
        Set<String> kept = Set.copyOf(Traces.of(daemon, List.of(keeper.substring(0, 64))));

        for (int round = 0; round < ROUNDS; round++) {
            String mark = "seed " + seed + ", round " + round;
            String mortal = "mortal" + round;
            docker(
                    daemon,
                    "run",
                    "-d",
                    "--name",
                    mortal,
                    "-v",
                    signals + ":/signals",
                    "busybox",
                    "sh",
                    "-c",
                    "until [ -e /signals/" + round + " ]; do sleep 0.02; done; exit 42");
            Load load = Load.begin(daemon, "keeper", 3, chance);
            Thread.sleep(50 + chance.nextInt(1200));
            daemon.kill();
            Set<String> promised = load.end();

            Instant asked = Instant.now();
            Files.createFile(signals.resolve(Integer.toString(round)));
            Thread.sleep(chance.nextInt(400));
            daemon.restart();

            assertThat(docker(daemon, "wait", mortal)).as(mark).isEqualTo("42");
            assertThat(Instant.parse(inspect(daemon, mortal, "{{.State.FinishedAt}}")))
                    .as(mark)
                    .isBetween(asked.minusMillis(50), asked.plusSeconds(5));
            assertThat(docker(
                            daemon,
                            "events",
                            "--since",
                            "1h",
                            "--until",
                            Instant.now().toString(),
                            "--filter",
                            "container=" + mortal,
                            "--filter",
                            "event=die",
                            "--format",
                            "{{.Actor.Attributes.exitCode}}"))
                    .as(mark)
                    .isEqualTo("42");
            assertThat(inspect(daemon, "keeper", "{{.Id}} {{.State.Pid}} {{.State.StartedAt}}"))
                    .as(mark)
                    .isEqualTo(keeper);
            assertServes(port);
            assertThat(docker(daemon, "exec", "keeper", "echo", "here"))
                    .as(mark)
                    .isEqualTo("here");
            List<String> present = docker(daemon, "ps", "--all", "--quiet", "--no-trunc")
                    .lines()
                    .toList();
            assertThat(present).as(mark).containsAll(promised);

            List<String> others =
                    present.stream().filter(id -> !keeper.startsWith(id)).toList();
            for (String other : others) {
                Outcome removed = daemon.docker("rm", "--force", other);
                assertThat(removed.status() == 0 || removed.err().contains("already in progress"))
                        .as(mark + ": " + removed.err())
                        .isTrue();
            }
            List<String> left = leftOver(daemon, kept, others);
            assertThat(left)
                    .as(() -> mark + " " + others + "\n" + contents(left) + read(daemon.log()))
                    .isEmpty();
            assertThat(Traces.of(daemon, List.of(keeper.substring(0, 64))))
                    .as(mark)
                    .containsAll(kept);
        }
        assertThat(docker(daemon, "run", "--rm", "busybox", "echo", "still well"))
                .isEqualTo("still well");
    }

    /** What lies in folders that should be gone says who put it there. */
    private static String contents(List<String> traces) {
        StringBuilder listed = new StringBuilder();
        for (String trace : traces) {
            Path path = Path.of(trace.substring(trace.indexOf(' ') + 1));
            if (!Files.isDirectory(path)) continue;
            try {
                listed.append(Outcome.of("ls", "-laR", path.toString()).out());
            } catch (IOException | InterruptedException e) {
                listed.append(path).append(": ").append(e).append('\n');
            }
        }
        return listed.toString();
    }

    private static String read(Path log) {
        try {
            return Files.readString(log);
        } catch (IOException e) {
            return e.toString();
        }
    }

    /** What is there beside what should be, once the kernel and the agent have had a moment. */
    private static List<String> leftOver(Daemon daemon, Set<String> kept, List<String> gone) throws Exception {
        List<String> left = List.of();
        for (int i = 0; i < 600; i++) {
            List<String> now = new ArrayList<>(Traces.of(daemon, gone));
            now.removeIf(kept::contains);
            now.removeIf(trace -> trace.startsWith("cgroup") && kept.contains(trace));
            left = now;
            if (left.isEmpty()) return left;
            Thread.sleep(100);
        }
        return left;
    }

    @Test
    @Timeout(120)
    void anAgentThatIsStoppedLeavesContainersRunningAndTakesThemUpAgain() throws Exception {
        Daemon daemon = start("agent");
        int port = LoopbackRegistry.freePort();
        docker(daemon, "run", "-d", "--name", "web", "-p", port + ":80", "busybox", "sh", "-c", SERVER);
        docker(
                daemon,
                "run",
                "-d",
                "--name",
                "talker",
                "busybox",
                "sh",
                "-c",
                "i=0; while true; do i=$((i+1)); echo $i; sleep 0.1; done");
        awaitServer(port);
        String pid = inspect(daemon, "web", "{{.State.Pid}}");

        assertThat(daemon.stop()).isZero();
        assertServes(port);
        assertThat(Path.of("/proc", pid)).exists();
        Thread.sleep(500);
        daemon.restart();

        assertThat(inspect(daemon, "web", "{{.State.Pid}} {{.State.Running}}")).isEqualTo(pid + " true");
        assertServes(port);
        List<String> said = docker(daemon, "logs", "talker").lines().toList();
        for (int i = 0; i < said.size(); i++) {
            assertThat(said.get(i)).isEqualTo(Integer.toString(i + 1));
        }
        assertThat(said).hasSizeGreaterThan(5);
        assertThat(docker(daemon, "exec", "web", "cat", "/www/index.html")).isEqualTo("ahoy");
        docker(daemon, "stop", "-t", "1", "web");
        assertThat(docker(daemon, "ps", "--quiet", "--filter", "name=web")).isEmpty();
    }

    @Test
    @Timeout(120)
    void aBuildThatWasUnderWayLeavesNothing() throws Exception {
        Daemon daemon = start("agent");
        Path context = Files.createDirectories(folder.resolve("context"));
        Files.writeString(context.resolve("Dockerfile"), "FROM busybox\nRUN sleep 1000\n");
        ProcessBuilder client = new ProcessBuilder(
                        daemon.home().resolve("bin/wharf").toString(), "build", "-t", "never", context.toString())
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("build.log").toFile());
        client.environment().putAll(daemon.environment());
        Process build = client.start();
        try (var whoever = (AutoCloseable) build::destroyForcibly) {
            for (int i = 0; i < 600 && docker(daemon, "ps", "--quiet").isEmpty(); i++) {
                Thread.sleep(50);
            }
            String step = docker(daemon, "ps", "--quiet", "--no-trunc");
            assertThat(step).as(() -> read(folder.resolve("build.log"))).isNotEmpty();
            daemon.kill();
            daemon.restart();

            assertThat(leftOver(daemon, Set.of(), List.of(step))).isEmpty();
            assertThat(docker(daemon, "ps", "--all", "--quiet")).isEmpty();
            assertThat(daemon.dataRoot().resolve("build/running")).isEmptyDirectory();
        }
    }

    @Test
    @Timeout(120)
    void twoAgentsDoNotTouchEachOther() throws Exception {
        Daemon one = start("one");
        Daemon two = start("two");
        int port = LoopbackRegistry.freePort();
        docker(two, "run", "-d", "--name", "web", "-p", port + ":80", "busybox", "sh", "-c", SERVER);
        awaitServer(port);
        String id = inspect(two, "web", "{{.Id}}");
        Set<String> before = Set.copyOf(Traces.of(two, List.of(id)));

        docker(one, "run", "-d", "--name", "web", "-p", "127.0.0.1::80", "busybox", "sleep", "1000");
        one.kill();
        one.restart();
        docker(one, "rm", "--force", "web");
        docker(one, "network", "create", "other");
        docker(one, "network", "rm", "other");
        one.stop();

        assertServes(port);
        assertThat(Set.copyOf(Traces.of(two, List.of(id)))).isEqualTo(before);
        assertThat(docker(two, "ps", "--quiet", "--no-trunc")).isEqualTo(id);
        assertThat(docker(two, "exec", "web", "echo", "well")).isEqualTo("well");
    }
}
