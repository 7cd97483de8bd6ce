package dev.wharf.itests.clients;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.itests.conformance.SharedAgent;
import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.daemon.Outcome;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A stack of several services by docker-compose as it was in Python, and by the plugin that the docker command has now. */
@ExtendWith(SharedAgent.class)
@Timeout(150)
class ComposeIT {
    private final Daemon daemon;

    ComposeIT(Daemon daemon) {
        this.daemon = daemon;
    }

    /** Debian 12 has the first as a package, Debian 13 the second, which runs on Debian 12 as well. */
    enum Compose {
        PYTHON(List.of("docker-compose"), "_"),
        PLUGIN(List.of("docker", "compose"), "-");

        private final List<String> command;
        private final String hyphen;

        Compose(List<String> command, String hyphen) {
            this.command = command;
            this.hyphen = hyphen;
        }
    }

    /** One project of a test. */
    private final class Project {
        private final Compose compose;
        private final String name;
        private final Map<String, String> environment;

        Project(Compose compose, String name) throws IOException {
            this.compose = compose;
            this.name = name;
            this.environment = new HashMap<>(daemon.environment());
            if (compose == Compose.PLUGIN) {
                Plugin.give("docker-compose", Path.of(environment.get("DOCKER_CONFIG")));
            }
        }

        Project with(String key, String value) {
            environment.put(key, value);
            return this;
        }

        Outcome tried(String file, String... arguments) throws IOException, InterruptedException {
            List<String> command = new ArrayList<>(compose.command);
            command.addAll(List.of(
                    "--project-name",
                    name,
                    "--file",
                    Scripts.path("stack/" + file).toString()));
            command.addAll(List.of(arguments));
            return Outcome.of(command, environment, Duration.ofSeconds(60));
        }

        String does(String... arguments) throws IOException, InterruptedException {
            return tried("compose.yaml", arguments).outOrThrow();
        }

        String container(String service, int number) {
            return String.join(compose.hyphen, name, service, Integer.toString(number));
        }
    }

    private String docker(String... arguments) throws IOException, InterruptedException {
        return daemon.docker(arguments).outOrThrow().strip();
    }

    private static String fetch(String url) throws IOException {
        try (InputStream in = URI.create(url).toURL().openStream()) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private static void awaitLog(Project project, String words, int times) throws Exception {
        String log = "";
        for (int i = 0; i < 300; i++) {
            log = project.does("logs", "--no-color", "worker");
            if (Pattern.compile(words).matcher(log).results().count() == times) return;
            Thread.sleep(100);
        }
        assertThat(log).containsPattern(words);
    }

    @ParameterizedTest
    @EnumSource
    void aStackComesUpIsChangedAndGoes(Compose compose) throws Exception {
        Project shop = new Project(compose, "shop" + compose.ordinal());
        shop.does("up", "-d", "--scale", "worker=2");
        String store = shop.container("store", 1);
        String web = shop.container("web", 1);
        assertThat(docker("inspect", "-f", "{{.State.Health.Status}}", store)).isEqualTo("healthy");
        assertThat(shop.does("ps", "-q").lines()).hasSize(4);
        awaitLog(shop, "welcome to the shop", 2);
        assertThat(fetch("http://" + shop.does("port", "web", "8080").strip() + "/page/index.html"))
                .isEqualTo("welcome to the shop\n");
        assertThat(shop.does("exec", "-T", "web", "cat", "/run/secrets/word")).isEqualTo("open sesame\n");
        assertThat(daemon.docker("exec", web, "nslookup", "archive").status())
                .as("an alias on the network behind")
                .isZero();
        assertThat(daemon.docker("exec", shop.container("worker", 1), "nslookup", "archive")
                        .status())
                .as("who is in front does not know it")
                .isNotZero();
        Outcome check = shop.tried("compose.yaml", "run", "--rm", "-T", "check");
        assertThat(check.status()).isEqualTo(7);
        assertThat(check.out()).contains("open sesame");

        // The same again changes nothing; another setting makes the one service anew and keeps its volumes.
        String before = docker("inspect", "-f", "{{.Id}}", store, web);
        shop.does("up", "-d", "--scale", "worker=2");
        assertThat(docker("inspect", "-f", "{{.Id}}", store, web)).isEqualTo(before);
        String volume =
                docker("inspect", "-f", "{{range .Mounts}}{{if eq .Destination \"/www\"}}{{.Name}}{{end}}{{end}}", web);
        shop.with("COLOUR", "red").does("up", "-d", "--scale", "worker=3");
        assertThat(docker("inspect", "-f", "{{.Id}}", store))
                .isEqualTo(before.lines().findFirst().orElseThrow());
        assertThat(shop.does("exec", "-T", "web", "sh", "-c", "echo $COLOUR")).isEqualTo("red\n");
        assertThat(docker(
                        "inspect",
                        "-f",
                        "{{range .Mounts}}{{if eq .Destination \"/www\"}}{{.Name}}{{end}}{{end}}",
                        web))
                .isEqualTo(volume);
        assertThat(docker("ps", "-q", "--filter", "label=com.docker.compose.service=worker")
                        .lines())
                .hasSize(3);

        shop.does("pause", "worker");
        assertThat(docker("ps", "-q", "--filter", "status=paused").lines()).hasSize(3);
        shop.does("unpause", "worker");
        shop.does("restart", "web");
        shop.does("stop");
        assertThat(docker("ps", "-q")).isEmpty();
        shop.does("start");
        assertThat(shop.does("logs", "--no-color", "store")).contains("visit");
        assertThat(shop.does("top")).contains("httpd", "sleep 1000");
        shop.does("kill", "web");
        shop.does("rm", "-f", "-v", "web");

        shop.does("down", "-v");
        assertThat(docker("ps", "-aq")).isEmpty();
        assertThat(docker("network", "ls", "-q", "--filter", "type=custom")).isEmpty();
        assertThat(docker("volume", "ls", "-q").lines())
                .as("what was taken over by its name is nobody's to remove")
                .isSubsetOf(volume);
    }

    @ParameterizedTest
    @EnumSource
    void volumesAreKeptByAPlainDown(Compose compose) throws Exception {
        Project shop = new Project(compose, "kept" + compose.ordinal());
        shop.does("up", "-d", "store");
        shop.does("down");
        assertThat(docker("volume", "ls", "-q", "--filter", "label=kept=yes"))
                .isEqualTo("kept" + compose.ordinal() + "_data");
        shop.does("up", "-d", "store");
        assertThat(shop.does("logs", "--no-color", "store")).contains("visit");
        shop.does("down", "-v", "--remove-orphans");
        assertThat(docker("volume", "ls", "-q")).isEmpty();
    }

    /** In the foreground, where it hears of ends by events and attaches to what is said. */
    @ParameterizedTest
    @EnumSource
    void inTheForegroundItEndsWithItsContainers(Compose compose) throws Exception {
        Project batch = new Project(compose, "batch" + compose.ordinal());
        Outcome all = batch.tried("batch.yaml", "up", "--no-color");
        assertThat(all.out()).contains("first done", "second done");
        // Alone, for the end of any other would break it off, be it before this one has begun.
        Outcome one =
                batch.tried("batch.yaml", "up", "--no-color", "--no-deps", "--exit-code-from", "second", "second");
        assertThat(one.status()).isEqualTo(4);
        assertThat(batch.tried("batch.yaml", "down", "-t", "0").status()).isZero();
        assertThat(docker("ps", "-aq")).isEmpty();
    }
}
