package dev.wharf.itests.clients;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.itests.conformance.SharedAgent;
import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.daemon.Outcome;
import dev.wharf.itests.images.LoopbackRegistry;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Docker's library for Python, as Debian has it. */
@ExtendWith(SharedAgent.class)
@Timeout(120)
class PythonDockerIT {
    private final Daemon daemon;

    PythonDockerIT(Daemon daemon) {
        this.daemon = daemon;
    }

    /** Runs the tests of one class of the script, which tell by themselves what went wrong. */
    @ParameterizedTest
    @ValueSource(strings = {"Engine", "Containers", "Images", "Networks", "Volumes"})
    void itsUsersFindWhatTheyExpect(String theme) throws Exception {
        try (LoopbackRegistry registry = LoopbackRegistry.start()) {
            Map<String, String> environment = new HashMap<>(daemon.environment());
            environment.put("REGISTRY", registry.host());
            // Debian's own, which is the one that Debian's library belongs to.
            Outcome tests = Outcome.of(
                    List.of(
                            "/usr/bin/python3",
                            "-B",
                            Scripts.path("test_docker_py.py").toString(),
                            "-v",
                            theme),
                    environment,
                    Duration.ofSeconds(100));
            assertThat(tests.status()).as(tests.out() + tests.err()).isZero();
            assertThat(tests.err()).contains("OK").doesNotContain("skipped");
        }
    }
}
