package dev.wharf.linux.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GracePeriodsTest {
    @TempDir
    Path kernel;

    private Path mark;
    private GracePeriods periods;

    @BeforeEach
    void beginsWithAKernelThatTakesItsTime() throws IOException {
        mark = kernel.resolve("mark");
        periods = new GracePeriods(kernel, mark);
        set("rcu_normal", "0");
        set("rcu_expedited", "0");
    }

    @Test
    void makesHasteForAMomentOnly() throws IOException {
        try (GracePeriods.Haste ignored = periods.begin()) {
            assertThat(read("rcu_expedited")).startsWith("1");
            assertThat(mark).exists();
        }

        assertThat(read("rcu_expedited")).startsWith("0");
        assertThat(mark).doesNotExist();
    }

    @Test
    void leavesAKernelThatMakesHasteAnyway() throws IOException {
        set("rcu_expedited", "1");

        periods.begin().close();

        assertThat(read("rcu_expedited")).startsWith("1");
    }

    @Test
    void leavesAKernelThatMayNotMakeHaste() throws IOException {
        set("rcu_normal", "1");

        try (GracePeriods.Haste ignored = periods.begin()) {
            assertThat(read("rcu_expedited")).startsWith("0");
        }
    }

    @Test
    void worksWithoutTheSwitch() throws IOException {
        Files.delete(kernel.resolve("rcu_expedited"));

        periods.begin().close();

        assertThat(mark).doesNotExist();
    }

    @Test
    void endsTheHasteOfOneThatDied() throws IOException {
        periods.begin();

        new GracePeriods(kernel, mark).endForgotten();

        assertThat(read("rcu_expedited")).startsWith("0");
        assertThat(mark).doesNotExist();
    }

    @Test
    void endsNoHasteThatIsNotItsOwn() throws IOException {
        set("rcu_expedited", "1");

        periods.endForgotten();

        assertThat(read("rcu_expedited")).startsWith("1");
    }

    private void set(String name, String value) throws IOException {
        Files.writeString(kernel.resolve(name), value + "\n");
    }

    private String read(String name) throws IOException {
        return Files.readString(kernel.resolve(name));
    }
}
