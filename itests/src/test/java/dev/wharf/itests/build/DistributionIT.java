package dev.wharf.itests.build;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.daemon.Outcome;
import dev.wharf.itests.images.Images;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A build on a distribution's image that installs a package of it. */
@Timeout(900)
class DistributionIT {
    @TempDir
    private Path folder;

    @Test
    void aPackageIsInstalledAndRuns() throws Exception {
        Path layouts = Files.createDirectories(folder.resolve("agent/data/layouts/layout.local"));
        Outcome.of(
                        "cp",
                        "-r",
                        Images.ubuntu().toString(),
                        layouts.resolve("ubuntu").toString())
                .outOrThrow();
        Path context = Files.createDirectories(folder.resolve("context"));
        Files.writeString(
                context.resolve("Dockerfile"),
                "FROM ubuntu:latest\nRUN apt-get update && apt-get install -y curl\nCMD [\"curl\", \"--version\"]\n");
        try (Daemon daemon = Daemon.start(folder.resolve("agent"))) {
            daemon.docker("pull", "--quiet", "layout.local/ubuntu").outOrThrow();
            daemon.docker("tag", "layout.local/ubuntu", "ubuntu").outOrThrow();

            Outcome built = Outcome.of(
                    List.of("docker", "build", "--tag", "curls", context.toString()),
                    Map.of("DOCKER_HOST", daemon.host(), "DOCKER_BUILDKIT", "0"),
                    Duration.ofMinutes(5));

            assertThat(built.outOrThrow()).contains("Successfully tagged curls:latest");
            assertThat(daemon.docker("run", "--rm", "curls").outOrThrow()).startsWith("curl ");
        }
    }
}
