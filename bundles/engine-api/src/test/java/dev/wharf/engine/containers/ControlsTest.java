package dev.wharf.engine.containers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.engine.http.Body;
import dev.wharf.model.Resources;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ControlsTest {
    private static final Resources EVERYTHING = new Resources(
            64 << 20,
            128 << 20,
            32 << 20,
            10,
            0,
            512,
            50_000,
            20_000,
            "0",
            "0",
            50,
            300,
            List.of(new Resources.BlockIo("weight", "/dev/vda", 200), new Resources.BlockIo("read-bps", "/dev/vda", 9)),
            true,
            500,
            64 << 20,
            "/mine",
            List.of(),
            List.of(),
            List.of());

    @TempDir
    Path root;

    private Controls.Kept kept(String... files) throws IOException {
        for (String file : files) {
            Path path = root.resolve("sys/fs/cgroup").resolve(file);
            Files.createDirectories(path.getParent());
            Files.writeString(path, file.equals("cgroup.controllers") ? "cpu cpuset io memory pids" : "");
        }
        return new Controls(root).keep(EVERYTHING, Body.EMPTY);
    }

    @Test
    void whatTheKernelCannotLimitIsToldAndNotKept() throws IOException {
        Controls.Kept kept = kept();

        assertThat(kept.resources())
                .isEqualTo(new Resources(
                        0, -1, 0, -1, 0, 0, 0, 0, "", "", 0, 0, List.of(), false, 500, 64 << 20, "/mine", List.of(),
                        List.of(), List.of()));
        assertThat(kept.warnings()).hasSize(12).allMatch(text -> text.contains("discarded"));
    }

    @Test
    void aKernelWithoutWeightsKeepsTheRates() throws IOException {
        Controls.Kept kept = kept("blkio/blkio.throttle.read_bps_device");

        assertThat(kept.resources().blockIo())
                .extracting(Resources.BlockIo::kind)
                .containsExactly("read-bps");
        assertThat(kept.resources().blkioWeight()).isZero();
    }

    @Test
    void processorsThatAreLeftOutAnywayNeedNotBeThere() throws IOException {
        Path online =
                Files.createDirectories(root.resolve("sys/devices/system/cpu")).resolve("online");
        Files.writeString(online, "0-1\n");
        new Controls(root).checkSets("7", "");

        kept("cpuset/cpuset.cpus");
        assertThatThrownBy(() -> new Controls(root).checkSets("7", "")).hasMessageContaining("available: 0-1");
    }

    @Test
    void memoryIsLimitedWithoutSwapWhereSwapIsNotCounted() throws IOException {
        Controls.Kept kept = kept("memory/memory.limit_in_bytes");

        assertThat(kept.resources().memoryBytes()).isEqualTo(64 << 20);
        assertThat(kept.resources().memorySwapBytes()).isEqualTo(-1);
        assertThat(kept.warnings()).anyMatch(text -> text.contains("Memory limited without swap"));
    }

    @Test
    void memoryIsLimitedWithoutSwapWhereAUnifiedHierarchyDoesNotCountIt() throws IOException {
        group("wharf.service");
        Controls.Kept kept = kept("cgroup.controllers", "wharf.service/memory.max");

        assertThat(kept.resources().memoryBytes()).isEqualTo(64 << 20);
        assertThat(kept.resources().memorySwapBytes()).isEqualTo(-1);
        assertThat(kept.warnings()).anyMatch(text -> text.contains("Memory limited without swap"));
    }

    private void group(String name) throws IOException {
        Path self = Files.createDirectories(root.resolve("proc/self"));
        Files.writeString(self.resolve("cgroup"), "0::/" + name + "\n");
    }

    @Test
    void theUnifiedHierarchyKnowsAllButSwappinessAndTheEndOfKills() throws IOException {
        group("wharf.service");
        Controls.Kept kept = kept("cgroup.controllers", "wharf.service/memory.swap.max");

        assertThat(kept.resources().memorySwapBytes()).isEqualTo(128 << 20);
        assertThat(kept.resources().memorySwappiness()).isEqualTo(-1);
        assertThat(kept.resources().oomKillDisable()).isFalse();
        assertThat(kept.resources().blkioWeight()).isEqualTo(300);
        assertThat(kept.warnings()).hasSize(2);
    }
}
