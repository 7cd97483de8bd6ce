package dev.wharf.linux.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.linux.file.LinuxFileCalls;
import dev.wharf.linux.process.LinuxNamespaces;
import dev.wharf.model.ContainerId;
import dev.wharf.spi.kernel.Kernel;
import dev.wharf.spi.kernel.Mount;
import dev.wharf.testkit.kernel.KernelContract;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LinuxKernelTest extends KernelContract {
    @Override
    protected Kernel kernel(Path dataRoot, Path execRoot) throws Exception {
        return new LinuxKernel(dataRoot, execRoot, new LinuxFileCalls(), new LinuxNamespaces());
    }

    @Test
    void mountPointsWithoutTheirMountsAreTakenAwayAtTheNextStart(@TempDir Path dir) throws Exception {
        Path rootfs = Files.createDirectories(dir.resolve("exec/rootfs/" + "a".repeat(64)));
        Path netns = Files.createDirectories(dir.resolve("exec/netns")).resolve("b".repeat(64) + "-1");
        Files.createFile(netns);

        kernel(dir.resolve("data"), dir.resolve("exec"));

        assertThat(rootfs).doesNotExist();
        assertThat(netns).doesNotExist();
    }

    @Test
    void whatAnAgentHeldThatDiedIsLetGoByTheNextOne(@TempDir Path dir) throws Exception {
        Path whole = Files.createDirectories(dir.resolve("whole/sub"));
        Files.createFile(whole.resolve("content"));
        Kernel died = kernel(dir.resolve("data"), dir.resolve("exec"));
        Mount bind = new Mount("bind", dir.resolve("whole").toString(), List.of("rbind"));
        Path held = died.pin(new ContainerId("d".repeat(64)), 0, List.of(bind), "sub");
        assertThat(held.resolve("content")).exists();

        kernel(dir.resolve("data"), dir.resolve("exec"));

        assertThat(dir.resolve("exec/pins")).isEmptyDirectory();
        assertThat(whole.resolve("content")).exists();
    }

    @Test
    void whatARuntimeLeftInABareMountPointGoesWithIt(@TempDir Path dir) throws Exception {
        Kernel kernel = kernel(dir.resolve("data"), dir.resolve("exec"));
        Path bare = Files.createDirectories(dir.resolve("exec/rootfs/" + "c".repeat(64)));
        Files.createDirectories(bare.resolve("etc"));
        Files.createFile(bare.resolve("etc/hosts"));

        kernel.unmountRootfs(new ContainerId("c".repeat(64)));

        assertThat(bare).doesNotExist();
    }

    @Override
    protected List<Path> remains(Path volume) {
        return List.of(volume.resolveSibling("_copying"));
    }
}
