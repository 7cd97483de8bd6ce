package dev.wharf.itests.introduction;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.daemon.Outcome;
import dev.wharf.itests.daemon.Terminal;
import dev.wharf.itests.images.Images;
import dev.wharf.itests.images.LoopbackRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A well-known introduction to Docker, command by command, against an agent that takes a registry on loopback for the mirror of
 * Docker's own. The order is that of the text: what one step makes, later ones use.
 */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
@Timeout(120)
class IntroductionIT {
    @TempDir
    private static Path folder;

    private static LoopbackRegistry registry;
    private static Daemon daemon;

    @BeforeAll
    @Timeout(900)
    static void serveTheImages() throws Exception {
        registry = LoopbackRegistry.start();
        registry.offer("ubuntu", Images.ubuntu());
        registry.offer("nginx", Images.nginx());
        Path settings = Files.createDirectories(folder.resolve("etc"));
        Files.writeString(
                settings.resolve("dev.wharf.registry.distribution.cfg"),
                "mirrors.docker.io = " + registry.url() + "\n");
        daemon = Daemon.start(folder, "--config-dir=" + settings);
    }

    @AfterAll
    static void clearAway() throws Exception {
        try (LoopbackRegistry r = registry;
                Daemon d = daemon) {
            docker("rm", "--force", "web");
        }
    }

    private static String docker(String... arguments) throws IOException, InterruptedException {
        return daemon.docker(arguments).outOrThrow();
    }

    private static Terminal terminal(String commandLine) throws IOException {
        return Terminal.run(daemon.environment(), commandLine);
    }

    @Test
    @Order(1)
    void anImageIsPulledFromTheHub() throws Exception {
        assertThat(docker("pull", "ubuntu"))
                .startsWith("Using default tag: latest\nlatest: Pulling from library/ubuntu\n")
                .contains("Pull complete\nDigest: sha256:")
                .endsWith("Status: Downloaded newer image for ubuntu:latest\ndocker.io/library/ubuntu:latest\n");

        assertThat(docker("pull", "ubuntu"))
                .endsWith("Status: Image is up to date for ubuntu:latest\ndocker.io/library/ubuntu:latest\n");
    }

    @Test
    @Order(2)
    void theTerminalShowsProgressWhileAnImageIsPulled() throws Exception {
        try (Terminal terminal = terminal("docker pull nginx")) {
            assertThat(terminal.end()).isZero();
            assertThat(terminal.screen())
                    .contains("Pulling from library/nginx", "Pull complete", "Downloaded newer image for nginx:latest");
        }
    }

    @Test
    @Order(3)
    void imagesAreListedAndInspected() throws Exception {
        assertThat(docker("image", "ls").lines())
                .anyMatch(line -> line.matches("ubuntu +latest +[0-9a-f]{12} +.* ago +[0-9.]+MB"))
                .anyMatch(line -> line.matches("nginx +latest +[0-9a-f]{12} +.* ago +[0-9.]+MB"));

        assertThat(docker("image", "inspect", "ubuntu", "--format", "{{.Os}} {{json .Config.Cmd}} {{json .RepoTags}}"))
                .isEqualTo("linux [\"bash\"] [\"ubuntu:latest\"]\n");
        assertThat(docker("inspect", "nginx", "--format", "{{json .Config.ExposedPorts}} {{len .RootFS.Layers}}"))
                .isEqualTo("{\"80/tcp\":{}} 2\n");
    }

    @Test
    @Order(4)
    void aShellRunsInAContainerAndSeesItsOwnProcessesOnly() throws Exception {
        try (Terminal terminal = terminal("docker run -it ubuntu bash")) {
            terminal.readUntil("# ");
            assertThat(terminal.command("cat /etc/os-release")).contains("PRETTY_NAME=\"Debian");
            assertThat(terminal.command("hostname").trim()).matches("[0-9a-f]{12}");
            assertThat(terminal.command("ps aux").trim().lines().skip(1).toList())
                    .hasSize(2)
                    .anyMatch(line -> line.matches("root +1 .* bash\\s*"))
                    .anyMatch(line -> line.endsWith("ps aux"));
            assertThat(terminal.command("stty size").trim()).isEqualTo("40 100");
            assertThat(terminal.command("echo hello > /greeting && cat /greeting")
                            .trim())
                    .isEqualTo("hello");
            terminal.type("exit 3\r");
            assertThat(terminal.end()).isEqualTo(3);
        }
        assertThat(docker("ps", "--all", "--format", "{{.Image}} {{.Command}} {{.Status}}"))
                .matches("ubuntu \"bash\" Exited \\(3\\) .*ago\n");
        assertThat(docker("ps", "--quiet")).isEmpty();
    }

    @Test
    @Order(5)
    void whatWasWrittenInAContainerIsStillThereWhenItIsStartedAgain() throws Exception {
        String container = docker("ps", "--all", "--quiet", "--latest").trim();
        try (Terminal terminal = terminal("docker start -ai " + container)) {
            terminal.type("\r");
            terminal.readUntil("# ");
            assertThat(terminal.command("cat /greeting").trim()).isEqualTo("hello");
            terminal.type("exit\r");
            assertThat(terminal.end()).isZero();
        }
        try (Terminal other = terminal("docker run -it --rm ubuntu ls /greeting")) {
            assertThat(other.end()).isEqualTo(2);
            assertThat(other.screen()).contains("No such file or directory");
        }
        docker("rm", container);
    }

    @Test
    @Order(6)
    void controlCEndsACommandAndTheShellLivesOn() throws Exception {
        try (Terminal terminal = terminal("docker run -it --rm --name shell ubuntu")) {
            terminal.readUntil("# ");
            terminal.type("sleep 1000\r");
            terminal.readUntil("sleep 1000\r\n");
            Thread.sleep(300);
            terminal.type("\u0003");
            terminal.readUntil("# ");
            assertThat(terminal.command("echo $?").trim()).isEqualTo("130");
            // Typed before the shell asks, Control-D is an end of file of the terminal's, which no line editor ever
            // sees.
            terminal.readUntil("# ");
            terminal.type("\u0004");
            assertThat(terminal.end()).isZero();
        } finally {
            // What failed here is not to fail whatever comes after it.
            daemon.docker("rm", "--force", "shell");
        }
    }

    @Test
    @Order(7)
    void anImageTellsItsHistory() throws Exception {
        List<String> rows = docker("history", "nginx").lines().toList();

        assertThat(rows.get(0)).matches("IMAGE +CREATED +CREATED BY +SIZE +COMMENT");
        assertThat(rows).hasSizeGreaterThanOrEqualTo(3);
        assertThat(docker("history", "--no-trunc", "--quiet", "nginx").lines().findFirst())
                .hasValue(docker("image", "inspect", "--format", "{{.Id}}", "nginx")
                        .trim());
    }

    @Test
    @Order(8)
    void aWebServerAnswersOnAPortOfTheHost() throws Exception {
        int port = LoopbackRegistry.freePort();
        String container = docker("run", "-d", "--name", "web", "-p", port + ":80", "nginx")
                .trim();

        assertThat(container).matches("[0-9a-f]{64}");
        assertThat(fetch("http://localhost:" + port + "/")).contains("Welcome to nginx");
        assertThat(fetch("http://127.0.0.1:" + port + "/")).contains("Welcome to nginx");
        assertThat(docker("ps", "--format", "{{.Names}} {{.Ports}}"))
                .isEqualTo("web 0.0.0.0:" + port + "->80/tcp, [::]:" + port + "->80/tcp\n");
        assertThat(docker("port", "web")).isEqualTo("80/tcp -> 0.0.0.0:" + port + "\n80/tcp -> [::]:" + port + "\n");
        assertThat(docker("logs", "web")).contains("GET / HTTP/1.1");
    }

    /** A server needs a moment after its start until it listens, whoever starts it. */
    private static String fetch(String url) throws Exception {
        return Outcome.of(
                        List.of(
                                "curl",
                                "-sS",
                                "--fail",
                                "--retry",
                                "20",
                                "--retry-delay",
                                "1",
                                "--retry-all-errors",
                                url),
                        Map.of(),
                        Duration.ofSeconds(30))
                .outOrThrow();
    }

    @Test
    @Order(9)
    void statsShowWhatAContainerUses() throws Exception {
        String stats =
                docker("stats", "--no-stream", "--format", "{{.Name}} {{.CPUPerc}} {{.MemUsage}} {{.NetIO}} {{.PIDs}}");

        assertThat(stats)
                .matches("web [0-9.]+% [1-9][0-9.]*[KM]iB / [0-9.]+GiB [1-9][0-9.]*k?B / [0-9.]+k?B [1-9][0-9]*\n");

        try (Terminal terminal = terminal("docker stats")) {
            terminal.readUntil("CPU %");
            terminal.readUntil("MiB / ");
            terminal.type("\u0003");
            terminal.end();
        }
    }

    @Test
    @Order(10)
    void aCommandRunsInAContainerThatIsRunning() throws Exception {
        assertThat(docker("exec", "web", "ls", "/etc/nginx")).contains("nginx.conf");
        try (Terminal terminal = terminal("docker exec -it web bash")) {
            terminal.readUntil("# ");
            assertThat(terminal.command("ps aux | cat")).contains("nginx: master process");
            terminal.type("exit\r");
            assertThat(terminal.end()).isZero();
        }
        assertThat(docker("top", "web")).contains("nginx: master process");
    }

    @Test
    @Order(11)
    void networksAreListedMadeAndInspected() throws Exception {
        assertThat(docker("network", "ls").lines())
                .anyMatch(line -> line.matches("[0-9a-f]{12} +bridge +bridge +local *"))
                .anyMatch(line -> line.matches("[0-9a-f]{12} +host +host +local *"))
                .anyMatch(line -> line.matches("[0-9a-f]{12} +none +null +local *"));

        docker("network", "create", "mynet");
        assertThat(docker("network", "ls", "--format", "{{.Name}}")).contains("mynet");
        assertThat(docker("network", "inspect", "mynet", "--format", "{{(index .IPAM.Config 0).Subnet}}"))
                .matches("[0-9.]+/[0-9]+\n");

        String address = docker(
                        "run",
                        "--rm",
                        "--network",
                        "mynet",
                        "ubuntu",
                        "sh",
                        "-c",
                        "grep $(hostname) /etc/hosts | cut -f1")
                .trim();
        String gateway = docker("network", "inspect", "mynet", "--format", "{{(index .IPAM.Config 0).Gateway}}")
                .trim();
        assertThat(address).startsWith(gateway.substring(0, gateway.lastIndexOf('.') + 1));
        docker("network", "rm", "mynet");

        assertThat(docker("network", "inspect", "bridge", "--format", "{{range .Containers}}{{.Name}}{{end}}"))
                .isEqualTo("web\n");
    }

    @Test
    @Order(12)
    void aVolumeWrittenByOneContainerIsReadByTheNext() throws Exception {
        assertThat(docker("volume", "create", "mydata")).isEqualTo("mydata\n");
        docker("run", "--rm", "-v", "mydata:/data", "ubuntu", "bash", "-c", "echo 'from the first' > /data/note");

        assertThat(docker("run", "--rm", "-v", "mydata:/data", "ubuntu", "cat", "/data/note"))
                .isEqualTo("from the first\n");
        assertThat(docker("volume", "ls", "--format", "{{.Name}}")).isEqualTo("mydata\n");
        assertThat(docker("volume", "inspect", "mydata", "--format", "{{.Driver}}"))
                .isEqualTo("local\n");
        docker("volume", "rm", "mydata");
        assertThat(docker("volume", "ls", "--quiet")).isEmpty();
    }

    @Test
    @Order(13)
    void theContainerIsStoppedAndRemovedAndTheImagesToo() throws Exception {
        docker("stop", "web");
        assertThat(docker("ps", "--all", "--filter", "name=web", "--format", "{{.Status}}"))
                .startsWith("Exited (0)");
        docker("rm", "web");
        assertThat(docker("rmi", "nginx", "ubuntu")).contains("Untagged: nginx:latest", "Deleted: sha256:");
        assertThat(docker("image", "ls", "--quiet")).isEmpty();
    }
}
