package dev.wharf.itests.clients;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.itests.conformance.SharedAgent;
import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.daemon.Outcome;
import dev.wharf.itests.images.LoopbackRegistry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** dockerode from npm, as its lock file fixes it. */
@ExtendWith(SharedAgent.class)
@Timeout(180)
class DockerodeIT {
    private final Daemon daemon;

    DockerodeIT(Daemon daemon) {
        this.daemon = daemon;
    }

    /** Installed once for each build, without the scripts that packages would run: what they compile is not used here. */
    private static Path installed() throws Exception {
        Path folder = Files.createDirectories(Path.of("target/clients/node")).toAbsolutePath();
        for (String file : List.of("package.json", "package-lock.json", "dockerode.test.mjs")) {
            Files.write(folder.resolve(file), Scripts.bytes("node/" + file));
        }
        Outcome.of(
                        List.of(
                                "npm",
                                "ci",
                                "--prefix",
                                folder.toString(),
                                "--ignore-scripts",
                                "--no-audit",
                                "--no-fund",
                                "--prefer-offline"),
                        Map.of(),
                        Duration.ofSeconds(100))
                .outOrThrow();
        return folder;
    }

    @Test
    void itsUsersFindWhatTheyExpect() throws Exception {
        Path folder = installed();
        try (LoopbackRegistry registry = LoopbackRegistry.start()) {
            Map<String, String> environment = new HashMap<>(daemon.environment());
            environment.put("REGISTRY", registry.host());
            Outcome tests = Outcome.of(
                    List.of(
                            "node",
                            "--test",
                            folder.resolve("dockerode.test.mjs").toString()),
                    environment,
                    Duration.ofSeconds(100));
            assertThat(tests.status()).as(tests.out() + tests.err()).isZero();
            assertThat(tests.out()).containsPattern("fail 0").containsPattern("skipped 0");
        }
    }
}
