package dev.wharf.launch;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SpareTest {
    @TempDir
    Path root;

    @Test
    void spaceIsKeptWhileThereIsSomeAndGivenUpWhenThereIsNone() throws IOException {
        new Spare(root, () -> 1L << 40).keep();
        assertThat(root.resolve("spare")).hasSize(Spare.BYTES);
        new Spare(root, () -> 1L << 40).give();
        assertThat(root.resolve("spare")).exists();

        new Spare(root, () -> 0).give();
        assertThat(root).isEmptyDirectory();

        new Spare(root, () -> Spare.BYTES).keep();
        assertThat(root.resolve("spare")).hasSize(Spare.BYTES / 4);
    }
}
