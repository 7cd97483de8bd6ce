package dev.wharf.storage.vfs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.linux.file.LinuxFileCalls;
import dev.wharf.storage.shelves.Shelf;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ShelfTest {
    @TempDir
    private Path root;

    private Shelf shelf() {
        return new Shelf(root, new LinuxFileCalls()::removeTree);
    }

    @Test
    void anAgentThatIsStartedAtOnceSweepsWhatTheOneBeforeLeftAndNotWhatItsOtherDriversWorkOn() throws Exception {
        Shelf serving = shelf();
        serving.shareWithOthersOfThisAgent();
        serving.prepareRoot();
        Path begun = serving.begin();
        Path left = Files.createDirectories(root.resolve("new/b0frhlrql/fs"));

        Shelf candidate = shelf();
        candidate.shareWithOthersOfThisAgent();
        candidate.sweep();

        assertThat(begun).exists();
        assertThat(left.getParent()).doesNotExist();
    }
}
