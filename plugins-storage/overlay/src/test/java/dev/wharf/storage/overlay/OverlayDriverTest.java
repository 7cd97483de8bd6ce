package dev.wharf.storage.overlay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.linux.file.LinuxFileCalls;
import dev.wharf.linux.file.LinuxProjectQuotas;
import dev.wharf.linux.file.LinuxTree;
import dev.wharf.linux.kernel.LinuxMountCalls;
import dev.wharf.oci.layer.Limits;
import dev.wharf.spi.kernel.Mount;
import dev.wharf.spi.kernel.ProjectQuotas;
import dev.wharf.spi.storage.Snapshot;
import dev.wharf.spi.storage.SnapshotKey;
import dev.wharf.spi.storage.StorageDriver;
import dev.wharf.testkit.storage.Ports;
import dev.wharf.testkit.storage.RawTar;
import dev.wharf.testkit.storage.StorageDriverContract;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OverlayDriverTest extends StorageDriverContract {
    @Override
    protected Ports ports() {
        return new Ports(new LinuxFileCalls(), new LinuxTree(), new LinuxMountCalls())
                .and(ProjectQuotas.class, new LinuxProjectQuotas());
    }

    @Override
    protected StorageDriver driver(Path root, Ports ports, Limits limits) {
        return new OverlayDriver(
                root, ports.files(), ports.tree(), ports.mounts(), ports.other(ProjectQuotas.class), limits);
    }

    private static final SnapshotKey BASE = new SnapshotKey("base");
    private static final SnapshotKey WEB = new SnapshotKey("web");

    private void write(OverlayDriver driver, Path mounted, String name) throws Exception {
        ports().mounts().mount(driver.mounts(WEB).get(0), mounted);
        try {
            Files.writeString(mounted.resolve(name), "x");
        } finally {
            ports().mounts().unmount(mounted);
        }
    }

    /** As an agent leaves it that is killed while it tries whether overlayfs works. */
    @Test
    void aTrialThatWasCutShortIsSwept(@TempDir Path directory) throws Exception {
        Path root = directory.resolve("root");
        OverlayDriver driver = (OverlayDriver) driver(root, ports(), Limits.DEFAULT);
        driver.prepare(WEB, SnapshotKey.SCRATCH);
        Path left = root.resolve("new/b0frhlrql");
        Path merged = Files.createDirectories(left.resolve("merged"));
        ports().mounts().mount(new Mount("tmpfs", "tmpfs", List.of()), merged);
        try {
            assertThat(driver.survey()).containsExactly(new Snapshot(WEB, SnapshotKey.SCRATCH, false));
            assertThat(left).doesNotExist();
        } finally {
            ports().mounts().unmount(merged);
        }
    }

    /** What lies there for whatever reason, and cannot be removed, is nobody's business but the next survey's. */
    @Test
    void whatCannotBeSweptHidesNoSnapshots(@TempDir Path directory) throws Exception {
        Path root = directory.resolve("root");
        OverlayDriver driver = (OverlayDriver) driver(root, ports(), Limits.DEFAULT);
        driver.prepare(WEB, SnapshotKey.SCRATCH);
        Path mounted = Files.createDirectories(root.resolve("new/b0frhlrql/fs"));
        ports().mounts().mount(new Mount("tmpfs", "tmpfs", List.of()), mounted);
        try {
            assertThat(driver.survey()).containsExactly(new Snapshot(WEB, SnapshotKey.SCRATCH, false));
        } finally {
            ports().mounts().unmount(mounted);
        }
        driver.survey();
        assertThat(mounted.getParent()).doesNotExist();
    }

    /** Two builds come to the same layer at once. */
    @Test
    void twoMayBeCommittedUnderOneNameAtOnce(@TempDir Path directory) throws Exception {
        OverlayDriver driver = (OverlayDriver) driver(directory.resolve("root"), ports(), Limits.DEFAULT);
        driver.unpack(
                BASE,
                SnapshotKey.SCRATCH,
                new ByteArrayInputStream(new RawTar().add(RawTar.file("f", "x")).tar()));
        SnapshotKey other = new SnapshotKey("db");
        SnapshotKey sealed = new SnapshotKey("sealed");
        ExecutorService pool = Executors.newFixedThreadPool(2);
        try {
            for (int i = 0; i < 20; i++) {
                driver.prepare(WEB, BASE);
                driver.prepare(other, BASE);
                Future<Snapshot> one = pool.submit(() -> driver.commit(WEB, sealed));
                Future<Snapshot> two = pool.submit(() -> driver.commit(other, sealed));
                assertThat(one.get(30, TimeUnit.SECONDS)).isEqualTo(new Snapshot(sealed, BASE, true));
                assertThat(two.get(30, TimeUnit.SECONDS)).isEqualTo(new Snapshot(sealed, BASE, true));
                assertThat(driver.survey())
                        .containsExactlyInAnyOrder(
                                new Snapshot(BASE, SnapshotKey.SCRATCH, true), new Snapshot(sealed, BASE, true));
                driver.remove(sealed);
            }
        } finally {
            pool.shutdownNow();
        }
    }

    @Test
    void whatIsMountedVolatileIsMountedAgainWhileTheHostRunsAndNotAfterThat(@TempDir Path directory) throws Exception {
        OverlayDriver driver = (OverlayDriver) driver(directory.resolve("root"), ports(), Limits.DEFAULT);
        driver.unpack(
                BASE,
                SnapshotKey.SCRATCH,
                new ByteArrayInputStream(new RawTar().add(RawTar.file("f", "x")).tar()));
        driver.prepare(WEB, BASE);
        Path mounted = Files.createDirectory(directory.resolve("mnt"));
        driver.changed(Map.of("volatile", "true"));
        assertThat(driver.mounts(WEB).get(0).options()).contains("volatile");
        write(driver, mounted, "one");
        write(driver, mounted, "two");
        driver.changed(Map.of("volatile", "maybe"));
        assertThat(driver.mounts(WEB).get(0).options())
                .as("a wrong value leaves the one before")
                .contains("volatile");
        write(driver, mounted, "three");
        driver.changed(Map.of());
        assertThat(driver.mounts(WEB).get(0).options()).doesNotContain("volatile");
        assertThat(driver.passingMounts(WEB).get(0).options())
                .as("of a container that goes when it ends")
                .contains("volatile");
        driver.changed(Map.of("volatile", true));
        write(driver, mounted, "four");
        Path own = directory.resolve("root/active/web");
        assertThat(own.resolve("work/work/incompat/volatile")).isDirectory();
        ports().files().setXattr(own, "trusted.wharf.volatile", "another boot".getBytes(StandardCharsets.US_ASCII));
        assertThatThrownBy(() -> driver.mounts(WEB)).hasMessageContaining("may be incomplete");
        driver.remove(WEB);
        assertThat(own).doesNotExist();
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
