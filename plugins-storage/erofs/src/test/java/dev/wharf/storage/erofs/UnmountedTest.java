package dev.wharf.storage.erofs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.linux.file.LinuxFileCalls;
import dev.wharf.linux.file.LinuxTree;
import dev.wharf.model.FileChange;
import dev.wharf.oci.layer.Limits;
import dev.wharf.spi.kernel.Mount;
import dev.wharf.spi.kernel.MountCalls;
import dev.wharf.spi.storage.Snapshot;
import dev.wharf.spi.storage.SnapshotKey;
import dev.wharf.testkit.storage.RawTar;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the driver does where nothing can be mounted: it says so, and everything but the mount works. */
class UnmountedTest {
    private static final SnapshotKey LOW = new SnapshotKey("low");
    private static final SnapshotKey HIGH = new SnapshotKey("high");

    @TempDir
    private Path directory;

    private ErofsDriver driver;

    @BeforeEach
    void make() {
        MountCalls none = new MountCalls() {
            @Override
            public void mount(Mount mount, Path target) throws IOException {
                throw new IOException("no such device");
            }

            @Override
            public void unmount(Path target) {}
        };
        driver =
                new ErofsDriver(directory.resolve("root"), new LinuxFileCalls(), new LinuxTree(), none, Limits.DEFAULT);
    }

    private static InputStream tar(RawTar.Header... entries) {
        RawTar tar = new RawTar();
        for (RawTar.Header entry : entries) {
            tar.add(entry);
        }
        return new ByteArrayInputStream(tar.tar());
    }

    @Test
    void itIsNotReadyAndSaysWhy() throws Exception {
        assertThat(driver.probe().ready()).isFalse();
        assertThat(driver.probe().why())
                .containsAnyOf("erofs images under an overlay do not work in", "the kernel has no erofs")
                .contains(ErofsDriverTest.isInKernel() ? "no such device" : "CONFIG_EROFS_FS");
        assertThat(directory.resolve("root/new")).isEmptyDirectory();
    }

    @Test
    void layersAreMadeComparedListedAndRemoved() throws Exception {
        driver.unpack(LOW, SnapshotKey.SCRATCH, tar(RawTar.file("a", "1"), RawTar.file("b", "2")));
        driver.unpack(HIGH, LOW, tar(RawTar.file(".wh.a", ""), RawTar.file("c", "33")));
        assertThat(driver.survey())
                .containsExactlyInAnyOrder(new Snapshot(LOW, SnapshotKey.SCRATCH, true), new Snapshot(HIGH, LOW, true));
        assertThat(driver.usage(HIGH).sizeBytes()).isEqualTo(2);
        assertThat(driver.changes(HIGH))
                .contains(new FileChange(FileChange.Kind.DELETED, "/a"), new FileChange(FileChange.Kind.ADDED, "/c"));
        try (InputStream diff = driver.diff(HIGH)) {
            driver.unpack(new SnapshotKey("again"), LOW, diff);
        }
        assertThat(driver.changes(new SnapshotKey("again"))).isEqualTo(driver.changes(HIGH));
        driver.remove(new SnapshotKey("again"));
        driver.remove(HIGH);
        driver.remove(LOW);
        assertThat(driver.survey()).isEmpty();
        assertThat(directory.resolve("root/committed")).isEmptyDirectory();
    }
}
