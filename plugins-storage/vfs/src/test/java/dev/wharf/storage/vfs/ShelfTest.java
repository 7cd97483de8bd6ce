package dev.wharf.storage.vfs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.linux.file.LinuxFileCalls;
import dev.wharf.storage.shelves.Shelf;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
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

    @Test
    void nobodyWaitsForWhatIsRemovedBehindTheBackAndNoSurveyTouchesIt() throws Exception {
        CountDownLatch go = new CountDownLatch(1);
        CountDownLatch removed = new CountDownLatch(1);
        Shelf serving = new Shelf(root, path -> {
            try {
                go.await(30, TimeUnit.SECONDS);
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
            new LinuxFileCalls().removeTree(path);
            removed.countDown();
        });
        serving.prepareRoot();
        serving.removeBehindTheBack();
        Path doomed = serving.doomed();
        Files.createDirectories(doomed.resolve("fs"));

        serving.discardSoon(doomed);
        serving.sweep();

        assertThat(doomed).exists();
        go.countDown();
        assertThat(removed.await(30, TimeUnit.SECONDS)).isTrue();
        assertThat(doomed).doesNotExist();
    }
}
