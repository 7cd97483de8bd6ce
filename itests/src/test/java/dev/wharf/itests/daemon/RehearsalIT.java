package dev.wharf.itests.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Soon after its start an agent plays through what it will be asked for. */
@Timeout(120)
class RehearsalIT {
    @TempDir
    private Path folder;

    @Test
    void whatIsRehearsedLeavesNoTrace() throws Exception {
        try (Daemon daemon = Daemon.start(folder, "--log-level=debug")) {
            String log = Files.readString(daemon.log());
            while (!log.contains("the rehearsal is over")) {
                assertThat(log).doesNotContain("the rehearsal broke off", "no rehearsal");
                Thread.sleep(100);
                log = Files.readString(daemon.log());
            }

            assertThat(daemon.execRoot().resolve("rehearsal")).doesNotExist();
            assertThat(daemon.curl("/containers/json?all=1").outOrThrow().strip())
                    .isEqualTo("[]");
            assertThat(daemon.curl("/images/json?all=1").outOrThrow().strip()).isEqualTo("[]");
            assertThat(daemon.curl("/wharf/v1/journal?from=0").outOrThrow()).doesNotContain("rehearsal");
        }
    }
}
