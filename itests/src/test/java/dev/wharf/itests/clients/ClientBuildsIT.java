package dev.wharf.itests.clients;

import static org.assertj.core.api.Assertions.assertThat;

import com.github.dockerjava.api.DockerClient;
import com.github.dockerjava.api.command.BuildImageResultCallback;
import com.github.dockerjava.core.DefaultDockerClientConfig;
import com.github.dockerjava.core.DockerClientImpl;
import com.github.dockerjava.zerodep.ZerodepDockerHttpClient;
import dev.wharf.itests.conformance.SharedAgent;
import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.daemon.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Images built by the libraries and tools that others build with. */
@ExtendWith(SharedAgent.class)
@Timeout(120)
class ClientBuildsIT {
    private final Daemon daemon;

    @TempDir
    private Path context;

    ClientBuildsIT(Daemon daemon) {
        this.daemon = daemon;
    }

    @BeforeEach
    void aContext() throws IOException {
        Files.writeString(context.resolve("Dockerfile"), """
                FROM busybox
                ARG word=none
                COPY . /c
                RUN echo $word > /word
                CMD ["cat", "/word", "/c/kept"]
                """);
        Files.writeString(context.resolve("kept"), "kept\n");
        Files.writeString(context.resolve("left"), "left\n");
        Files.writeString(context.resolve(".dockerignore"), "left\n");
    }

    @AfterEach
    void removeImage() throws Exception {
        daemon.docker("rmi", "--force", "client:built");
    }

    private void isBuiltWith(String word) throws Exception {
        assertThat(daemon.docker("run", "--rm", "client:built").outOrThrow()).isEqualTo(word + "\nkept\n");
        assertThat(daemon.docker("run", "--rm", "client:built", "ls", "/c").outOrThrow())
                .doesNotContain("left");
    }

    @Test
    void dockerPyBuilds() throws Exception {
        Path script = context.resolveSibling("build-" + context.getFileName() + ".py");
        Files.writeString(script, """
                import docker, sys
                client = docker.from_env()
                image, log = client.images.build(path=sys.argv[1], tag="client:built", buildargs={"word": "python"}, rm=True)
                log = list(log)
                assert any("aux" in line for line in log), log
                assert any("Step 1/" in line.get("stream", "") for line in log), log
                assert image.tags == ["client:built"], image.tags
                try:
                    client.images.build(path=sys.argv[1], dockerfile="nowhere")
                    sys.exit("no error")
                except (docker.errors.BuildError, docker.errors.APIError) as e:
                    assert "nowhere" in str(e), e
                """);

        Outcome.of(
                        List.of("/usr/bin/python3", "-B", script.toString(), context.toString()),
                        daemon.environment(),
                        Duration.ofSeconds(40))
                .outOrThrow();

        isBuiltWith("python");
        Files.delete(script);
    }

    @Test
    void dockerJavaAndWithItTestcontainersBuild() throws Exception {
        DefaultDockerClientConfig config = DefaultDockerClientConfig.createDefaultConfigBuilder()
                .withDockerHost(daemon.host())
                .withDockerTlsVerify(false)
                .build();
        try (DockerClient client = DockerClientImpl.getInstance(
                config,
                new ZerodepDockerHttpClient.Builder()
                        .dockerHost(config.getDockerHost())
                        .build())) {
            String id = client.buildImageCmd(context.toFile())
                    .withTags(Set.of("client:built"))
                    .withBuildArg("word", "java")
                    .exec(new BuildImageResultCallback())
                    .awaitImageId(40, TimeUnit.SECONDS);

            assertThat(client.inspectImageCmd("client:built").exec().getId()).contains(id);
        }

        isBuiltWith("java");
    }

    @Test
    void composeBuilds() throws Exception {
        Files.writeString(context.resolve("compose.yaml"), """
                version: "3"
                services:
                  one:
                    image: client:built
                    build:
                      context: .
                      args:
                        word: compose
                """);
        Map<String, String> environment = new HashMap<>(daemon.environment());

        Outcome.of(
                        List.of(
                                "docker-compose",
                                "--file",
                                context.resolve("compose.yaml").toString(),
                                "build"),
                        environment,
                        Duration.ofSeconds(40))
                .outOrThrow();

        isBuiltWith("compose");
    }
}
