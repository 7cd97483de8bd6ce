package dev.wharf.storage.btrfs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.linux.file.LinuxFileCalls;
import dev.wharf.linux.file.LinuxSubvolumes;
import dev.wharf.linux.file.LinuxTree;
import dev.wharf.linux.kernel.LinuxMountCalls;
import dev.wharf.oci.layer.Limits;
import dev.wharf.spi.kernel.Subvolumes;
import dev.wharf.spi.storage.SnapshotKey;
import dev.wharf.spi.storage.StorageDriver;
import dev.wharf.testkit.storage.LoopFileSystem;
import dev.wharf.testkit.storage.Ports;
import dev.wharf.testkit.storage.StorageDriverContract;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BtrfsDriverTest extends StorageDriverContract {
    private static LoopFileSystem btrfs;

    @BeforeAll
    static void mount() throws Exception {
        btrfs = LoopFileSystem.make("btrfs", 512L << 20);
    }

    @AfterAll
    static void unmount() throws Exception {
        btrfs.close();
    }

    @Override
    protected Path home() {
        return btrfs.at();
    }

    @Override
    protected boolean limitsHere() {
        return true;
    }

    /** What is sealed cannot be removed file by file. */
    @Override
    protected void clean(Path directory) throws IOException {
        Ports ports = ports();
        for (String state : List.of("committed", "active", "new")) {
            if (Files.isDirectory(directory.resolve(state))) {
                try (DirectoryStream<Path> snapshots = Files.newDirectoryStream(directory.resolve(state))) {
                    for (Path snapshot : snapshots) {
                        ports.other(Subvolumes.class).remove(snapshot.resolve("fs"));
                    }
                }
            }
        }
        ports.files().removeTree(directory);
    }

    @Override
    protected Ports ports() {
        return new Ports(new LinuxFileCalls(), new LinuxTree(), new LinuxMountCalls())
                .and(Subvolumes.class, new LinuxSubvolumes());
    }

    @Override
    protected StorageDriver driver(Path root, Ports ports, Limits limits) {
        return new BtrfsDriver(root, ports.files(), ports.tree(), ports.other(Subvolumes.class), limits);
    }

    @Test
    void onAnotherFileSystemItSaysWhatWouldHelp(@TempDir Path elsewhere) {
        StorageDriver driver = driver(elsewhere.resolve("not/there/yet"), ports(), Limits.DEFAULT);
        assertThat(driver.probe().ready()).isFalse();
        assertThat(driver.probe().why())
                .isEqualTo(elsewhere + " does not lie on btrfs; put the data root on a btrfs file system, or name a"
                        + " directory on one as root in etc/dev.wharf.storage.btrfs.cfg");
        assertThat(elsewhere).isEmptyDirectory();
    }

    @Test
    void subvolumesThatAContainerMadeGoWithIt() throws Exception {
        Path root = Files.createTempDirectory(btrfs.at(), "nested");
        Ports ports = ports();
        StorageDriver driver = driver(root, ports, Limits.DEFAULT);
        SnapshotKey web = new SnapshotKey("container-web");
        driver.prepare(web, SnapshotKey.SCRATCH);
        Path content = Path.of(driver.mounts(web).get(0).source());
        Subvolumes subvolumes = ports.other(Subvolumes.class);
        subvolumes.create(content.resolve("one"));
        Files.createDirectory(content.resolve("one/d"));
        subvolumes.create(content.resolve("one/d/two"));
        Files.writeString(content.resolve("one/d/two/file"), "x");
        subvolumes.seal(content.resolve("one/d/two"), true);
        subvolumes.seal(content.resolve("one"), true);
        driver.remove(web);
        assertThat(driver.survey()).isEmpty();
        ports.files().removeTree(root);
        assertThat(root).doesNotExist();
    }

    @Test
    void anAgentThatDiedInACommitLeavesAContainerThatCanBeWritten() throws Exception {
        Path root = Files.createTempDirectory(btrfs.at(), "sealed");
        Ports ports = ports();
        StorageDriver driver = driver(root, ports, Limits.DEFAULT);
        SnapshotKey web = new SnapshotKey("container-web");
        driver.prepare(web, SnapshotKey.SCRATCH);
        Path content = root.resolve("active/container-web/fs");
        ports.other(Subvolumes.class).seal(content, true);
        driver.mounts(web);
        Files.writeString(content.resolve("x"), "x");
        driver.remove(web);
        ports.files().removeTree(root);
    }
}
