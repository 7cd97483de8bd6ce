package dev.wharf.itests.clients;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.itests.conformance.SharedAgent;
import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.daemon.Outcome;
import dev.wharf.itests.daemon.Traces;
import dev.wharf.itests.images.LoopbackRegistry;
import java.io.InputStream;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.containers.BindMode;
import org.testcontainers.containers.ContainerLaunchException;
import org.testcontainers.containers.ExecConfig;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.Network;
import org.testcontainers.containers.output.OutputFrame;
import org.testcontainers.containers.output.ToStringConsumer;
import org.testcontainers.containers.output.WaitingConsumer;
import org.testcontainers.containers.startupcheck.OneShotStartupCheckStrategy;
import org.testcontainers.containers.wait.strategy.Wait;
import org.testcontainers.images.builder.ImageFromDockerfile;
import org.testcontainers.images.builder.Transferable;
import org.testcontainers.utility.DockerImageName;
import org.testcontainers.utility.MountableFile;

/** Testcontainers, with its container that cleans up. */
@Timeout(120)
class JavaTestcontainersIT {
    private static final DockerImageName BUSYBOX = DockerImageName.parse("busybox");

    @TempDir
    static Path folder;

    private static Daemon daemon;

    @BeforeAll
    static void start() throws Exception {
        daemon = SharedAgent.withBusybox(folder);
        Reaper.offer(daemon);
        // A first container tells Testcontainers whether files of this host can be mounted.
        daemon.docker("tag", "busybox", "alpine:3.17").outOrThrow();
        // What DOCKER_HOST is to a program of one's own: the environment of this one belongs to the build.
        System.setProperty("DOCKER_HOST", daemon.host());
    }

    @AfterAll
    static void stop() throws Exception {
        System.clearProperty("DOCKER_HOST");
        if (daemon != null) daemon.close();
    }

    private static GenericContainer<?> busybox(String script) {
        return new GenericContainer<>(BUSYBOX).withCommand("sh", "-c", script);
    }

    private static String fetch(GenericContainer<?> web, String path) throws Exception {
        try (InputStream in = URI.create("http://" + web.getHost() + ":" + web.getMappedPort(8080) + path)
                .toURL()
                .openStream()) {
            return new String(in.readAllBytes(), UTF_8);
        }
    }

    @Test
    void theEngineIsTakenForDocker() {
        assertThat(DockerClientFactory.instance().isDockerAvailable()).isTrue();
        assertThat(DockerClientFactory.instance().getActiveApiVersion()).isNotEmpty();
        assertThat(DockerClientFactory.instance().getInfo().getServerVersion()).matches("\\d+\\.\\d+\\.\\d+.*");
    }

    @Test
    void aServerIsWaitedForByItsPort() throws Exception {
        try (GenericContainer<?> web = busybox("sleep 1; exec httpd -f -p 8080 -h /var/www")
                .withExposedPorts(8080)
                .waitingFor(Wait.forListeningPort())) {
            web.start();
            assertThat(fetch(web, "/")).contains("Hello from a Wharf container");
            assertThat(web.isRunning()).isTrue();
            assertThat(web.getContainerInfo().getState().getStatus()).isEqualTo("running");
        }
    }

    @Test
    void severalPortsAreMappedEachToItsOwn() throws Exception {
        try (GenericContainer<?> two = busybox("nc -ll -p 7001 -e echo one & exec nc -ll -p 7002 -e echo two")
                .withExposedPorts(7001, 7002)) {
            two.start();
            for (Map.Entry<Integer, String> port :
                    Map.of(7001, "one\n", 7002, "two\n").entrySet()) {
                try (Socket socket = new Socket(two.getHost(), two.getMappedPort(port.getKey()))) {
                    assertThat(socket.getInputStream().readAllBytes())
                            .isEqualTo(port.getValue().getBytes(UTF_8));
                }
            }
        }
    }

    @Test
    void aServerIsWaitedForByWhatItAnswers() throws Exception {
        try (GenericContainer<?> web = busybox(
                        "mkdir /www; httpd -p 8080 -h /www; sleep 1; echo ready > /www/state; sleep 1000")
                .withExposedPorts(8080)
                .waitingFor(Wait.forHttp("/state")
                        .forStatusCode(200)
                        .forResponsePredicate(body -> body.startsWith("ready"))
                        .withStartupTimeout(Duration.ofSeconds(20)))) {
            web.start();
            assertThat(fetch(web, "/state")).isEqualTo("ready\n");
        }
    }

    @Test
    void aServerIsWaitedForByWhatItLogs() {
        try (GenericContainer<?> talker = busybox("for i in 1 2 3; do echo line $i; echo oops $i >&2; done; sleep 1000")
                .waitingFor(Wait.forLogMessage(".*line 3.*\\n", 1))) {
            talker.start();
            assertThat(talker.getLogs(OutputFrame.OutputType.STDOUT)).isEqualTo("line 1\nline 2\nline 3\n");
            assertThat(talker.getLogs(OutputFrame.OutputType.STDERR)).contains("oops 1\n");
            assertThat(talker.getLogs()).contains("line 2", "oops 2");
        }
    }

    @Test
    void aServerIsWaitedForByItsHealth() {
        try (GenericContainer<?> slow = busybox("sleep 1; touch /well; sleep 1000")
                .withCreateContainerCmdModifier(
                        create -> create.withHealthcheck(new com.github.dockerjava.api.model.HealthCheck()
                                .withTest(List.of("CMD", "test", "-f", "/well"))
                                .withInterval(TimeUnit.MILLISECONDS.toNanos(300))
                                .withRetries(20)))
                .waitingFor(Wait.forHealthcheck())) {
            slow.start();
            assertThat(slow.isHealthy()).isTrue();
        }
    }

    @Test
    void aServerIsWaitedForByACommand() {
        try (GenericContainer<?> slow =
                busybox("sleep 1; touch /here; sleep 1000").waitingFor(Wait.forSuccessfulCommand("test -f /here"))) {
            slow.start();
            assertThat(slow.isRunning()).isTrue();
        }
    }

    @Test
    void oneThatEndsAtOnceIsAFailureUnlessThatIsWanted() {
        try (GenericContainer<?> once =
                busybox("echo done").withStartupCheckStrategy(new OneShotStartupCheckStrategy())) {
            once.start();
            assertThat(once.getLogs()).isEqualTo("done\n");
        }
        try (GenericContainer<?> broken =
                busybox("echo broken >&2; exit 3").withExposedPorts(8080).withStartupTimeout(Duration.ofSeconds(3))) {
            assertThatThrownBy(broken::start).isInstanceOf(ContainerLaunchException.class);
        }
    }

    @Test
    void filesAreCopiedInBeforeTheStartAndBothWaysAfterIt() throws Exception {
        Path given = Files.writeString(folder.resolve("given.txt"), "from the host\n");
        Path tree = Files.createDirectories(folder.resolve("tree/below"));
        Files.writeString(tree.resolve("leaf"), "deep");
        try (GenericContainer<?> box = busybox("cat /in/given.txt; sleep 1000")
                .withCopyFileToContainer(MountableFile.forHostPath(given, 0640), "/in/given.txt")
                .withCopyFileToContainer(MountableFile.forHostPath(folder.resolve("tree")), "/in/tree")
                .withCopyToContainer(Transferable.of("made up", 0755), "/in/made/up")
                .waitingFor(Wait.forLogMessage(".*from the host.*", 1))) {
            box.start();
            assertThat(box.execInContainer("stat", "-c", "%a %u", "/in/given.txt", "/in/made/up")
                            .getStdout())
                    .isEqualTo("640 0\n755 0\n");
            assertThat(box.execInContainer("cat", "/in/tree/below/leaf").getStdout())
                    .isEqualTo("deep");

            box.copyFileToContainer(Transferable.of("later"), "/later");
            String later = box.copyFileFromContainer("/later", in -> new String(in.readAllBytes(), UTF_8));
            assertThat(later).isEqualTo("later");
            Path back = folder.resolve("back");
            box.copyFileFromContainer("/in/made/up", back.toString());
            assertThat(back).hasContent("made up");
        }
    }

    @Test
    void commandsAreRunInsideWithTheirOutputApart() throws Exception {
        try (GenericContainer<?> box =
                busybox("sleep 1000").withEnv("COLOUR", "green").withWorkingDirectory("/tmp")) {
            box.start();
            var both = box.execInContainer("sh", "-c", "echo out $COLOUR; echo err >&2; pwd; exit 7");
            assertThat(both.getExitCode()).isEqualTo(7);
            assertThat(both.getStdout()).isEqualTo("out green\n/tmp\n");
            assertThat(both.getStderr()).isEqualTo("err\n");

            var other = box.execInContainer(ExecConfig.builder()
                    .command(new String[] {"sh", "-c", "id -un; echo $WORD; pwd"})
                    .user("nobody")
                    .workDir("/var")
                    .envVars(Map.of("WORD", "said"))
                    .build());
            assertThat(other.getStdout()).isEqualTo("nobody\nsaid\n/var\n");
            for (int i = 0; i < 20; i++) {
                assertThat(box.execInContainer("echo", "turn " + i).getStdout()).isEqualTo("turn " + i + "\n");
            }
        }
    }

    @Test
    void containersOfOneNetworkKnowEachOtherByAlias() throws Exception {
        try (Network network = Network.newNetwork();
                GenericContainer<?> web = busybox("exec httpd -f -p 8080 -h /var/www")
                        .withNetwork(network)
                        .withNetworkAliases("web", "shop")
                        .withExposedPorts(8080);
                GenericContainer<?> guest =
                        busybox("sleep 1000").withNetwork(network).dependsOn(web)) {
            guest.start();
            for (String name : List.of("web", "shop")) {
                assertThat(guest.execInContainer("wget", "-qO-", "http://" + name + ":8080/")
                                .getStdout())
                        .contains("Hello");
            }
            assertThat(guest.execInContainer("nslookup", "nobody.invalid").getExitCode())
                    .isNotZero();
            assertThat(fetch(web, "/")).contains("Hello");
        }
    }

    @Test
    void outputIsFollowedWhileItComes() throws Exception {
        try (GenericContainer<?> talker =
                busybox("until [ -f /go ]; do sleep 0.1; done; for i in $(seq 200); do echo line $i; done; echo é")) {
            WaitingConsumer waiting = new WaitingConsumer();
            ToStringConsumer all = new ToStringConsumer();
            talker.withLogConsumer(all);
            talker.start();
            talker.followOutput(waiting, OutputFrame.OutputType.STDOUT);
            talker.copyFileToContainer(Transferable.of(""), "/go");
            // Not for a line first: its consumer looks at the newest frame and would throw the end away on the way to
            // it.
            waiting.waitUntilEnd(20, TimeUnit.SECONDS);
            // Another stream, whose end nobody waited for.
            for (int tries = 0; tries < 600 && !all.toUtf8String().contains("é"); tries++) {
                Thread.sleep(50);
            }
            assertThat(all.toUtf8String().lines()).hasSize(201).endsWith("é");
        }
    }

    @Test
    void mountsAndLimitsAndLabelsComeThrough() throws Exception {
        Path shared = Files.createDirectories(folder.resolve("shared"));
        Files.writeString(shared.resolve("f"), "shared");
        try (GenericContainer<?> box = busybox("sleep 1000")
                .withFileSystemBind(shared.toString(), "/shared", BindMode.READ_ONLY)
                .withTmpFs(Map.of("/scratch", "rw,size=1m"))
                .withSharedMemorySize(8L << 20)
                .withPrivilegedMode(true)
                .withLabel("purpose", "test")
                .withExtraHost("elsewhere", "192.0.2.7")
                .withCreateContainerCmdModifier(
                        create -> create.withHostName("boxy").getHostConfig().withMemory(64L << 20))) {
            box.start();
            assertThat(box.execInContainer("cat", "/shared/f").getStdout()).isEqualTo("shared");
            assertThat(box.execInContainer("touch", "/shared/g").getExitCode()).isNotZero();
            assertThat(box.execInContainer("df", "-k", "/scratch", "/dev/shm").getStdout())
                    .contains(" 1024 ", " 8192 ");
            assertThat(box.execInContainer("hostname").getStdout()).isEqualTo("boxy\n");
            assertThat(box.execInContainer("grep", "elsewhere", "/etc/hosts").getStdout())
                    .startsWith("192.0.2.7");
            assertThat(box.getContainerInfo().getHostConfig().getMemory()).isEqualTo(64L << 20);
            assertThat(box.getContainerInfo().getConfig().getLabels()).containsEntry("purpose", "test");
        }
    }

    @Test
    void anImageThatItsRegistryDoesNotHaveIsAnErrorAndNotAWait() throws Exception {
        try (LoopbackRegistry registry = LoopbackRegistry.start();
                GenericContainer<?> none =
                        new GenericContainer<>(DockerImageName.parse(registry.host() + "/nowhere:1"))) {
            assertThatThrownBy(none::start).hasStackTraceContaining(registry.host() + "/nowhere");
        }
    }

    @Test
    void anImageIsBuiltForATest() {
        ImageFromDockerfile image = new ImageFromDockerfile()
                .withFileFromString("said", "built\n")
                .withDockerfileFromBuilder(file -> file.from("busybox")
                        .copy("said", "/said")
                        .run("echo and run >> /said")
                        .cmd("cat", "/said")
                        .build());
        try (GenericContainer<?> built =
                new GenericContainer<>(image).withStartupCheckStrategy(new OneShotStartupCheckStrategy())) {
            built.start();

            assertThat(built.getLogs()).isEqualTo("built\nand run\n");
        }
    }

    /** A program of its own, that is told of the agent by its environment and ends without a word. */
    @Test
    void whatAProgramLeavesBehindIsReaped() throws Exception {
        Outcome left = Outcome.of(
                List.of(
                        Path.of(System.getProperty("java.home"), "bin/java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Forgetful.class.getName()),
                daemon.environment(),
                Duration.ofSeconds(60));
        String[] ids = left.outOrThrow().strip().split(" ");
        assertThat(ids).hasSize(2);

        long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        while (System.nanoTime() < deadline
                && (daemon.docker("inspect", ids[0]).status() == 0
                        || daemon.docker("network", "inspect", ids[1]).status() == 0)) {
            Thread.sleep(200);
        }
        assertThat(daemon.docker("inspect", ids[0]).err()).contains("o such object");
        assertThat(daemon.docker("network", "inspect", ids[1]).status()).isNotZero();
        assertThat(daemon.docker("inspect", "busybox").status())
                .as("what it did not make stays")
                .isZero();
        assertThat(Traces.settled(daemon, List.of(ids[0])))
                .as("the container that cleans up behind this test still runs")
                .noneMatch(trace -> trace.contains(ids[0]));
    }
}
