package dev.wharf.launch;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class PidFileTest {
    @TempDir
    private Path folder;

    @Test
    void itNamesThisProcessAndGoesWithIt() throws Exception {
        Path file = folder.resolve("new").resolve("pid");
        try (PidFile ignored = PidFile.write(file)) {
            assertThat(file).hasContent(Long.toString(ProcessHandle.current().pid()));
        }
        assertThat(file).doesNotExist();
    }

    @Test
    void theFileOfTheNextAgentStays() throws Exception {
        Path file = folder.resolve("pid");
        try (PidFile ignored = PidFile.write(file)) {
            Files.writeString(file, "1\n");
        }
        assertThat(file).hasContent("1");
    }
}
