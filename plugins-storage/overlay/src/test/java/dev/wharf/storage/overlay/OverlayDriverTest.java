package dev.wharf.storage.overlay;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.linux.file.LinuxFileCalls;
import dev.wharf.linux.file.LinuxTree;
import dev.wharf.linux.kernel.LinuxMountCalls;
import dev.wharf.oci.layer.Limits;
import dev.wharf.spi.storage.SnapshotKey;
import dev.wharf.spi.storage.StorageDriver;
import dev.wharf.testkit.storage.Ports;
import dev.wharf.testkit.storage.RawTar;
import dev.wharf.testkit.storage.StorageDriverContract;
import java.io.ByteArrayInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OverlayDriverTest extends StorageDriverContract {
    @Override
    protected Ports ports() {
        return new Ports(new LinuxFileCalls(), new LinuxTree(), new LinuxMountCalls());
    }

    @Override
    protected StorageDriver driver(Path root, Ports ports, Limits limits) {
        return new OverlayDriver(root, ports.files(), ports.tree(), ports.mounts(), limits);
    }

    /** More than fit into a page of options, even by descriptor. */
    @Test
    void aStackOfFourHundredLayersIsStillMounted(@TempDir Path directory) throws Exception {
        Ports ports = ports();
        StorageDriver driver = driver(directory.resolve("root"), ports, Limits.DEFAULT);
        SnapshotKey below = SnapshotKey.SCRATCH;
        for (int i = 0; i < 400; i++) {
            SnapshotKey layer = new SnapshotKey("layer-" + i);
            byte[] tar = new RawTar().add(RawTar.file("f" + i, "x")).tar();
            driver.unpack(layer, below, new ByteArrayInputStream(tar));
            below = layer;
        }
        SnapshotKey web = new SnapshotKey("web");
        driver.prepare(web, below);
        Path mounted = Files.createDirectory(directory.resolve("mnt"));
        ports.mounts().mount(driver.mounts(web).get(0), mounted);
        try {
            Files.writeString(mounted.resolve("new"), "x");
            assertThat(mounted).isDirectoryContaining(path -> path.endsWith("f0"));
            assertThat(mounted).isDirectoryContaining(path -> path.endsWith("f399"));
        } finally {
            ports.mounts().unmount(mounted);
        }
    }
}
