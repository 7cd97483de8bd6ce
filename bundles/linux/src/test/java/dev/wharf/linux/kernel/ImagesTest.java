package dev.wharf.linux.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.linux.file.LinuxFileCalls;
import dev.wharf.linux.process.LinuxNamespaces;
import dev.wharf.model.ContainerId;
import dev.wharf.spi.kernel.Mount;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImagesTest {
    @TempDir
    private Path directory;

    private final Mounter mounter = new Mounter();
    private Path target;

    @BeforeEach
    void target() throws IOException {
        target = Files.createDirectory(directory.resolve("mnt"));
    }

    @AfterEach
    void unmount() throws IOException {
        mounter.unmountAll(target);
    }

    /** The smallest erofs there is: a superblock, and an inode of a root with one empty file. */
    private Path image(String name) throws IOException {
        byte[] names = (".." + name).getBytes(StandardCharsets.US_ASCII);
        ByteBuffer image = ByteBuffer.allocate(8192).order(ByteOrder.LITTLE_ENDIAN);
        image.putInt(1024, 0xe0f5e1e2).put(1024 + 12, (byte) 12).putShort(1024 + 14, (short) 2);
        image.putLong(1024 + 16, 2).putInt(1024 + 36, 2).putInt(1024 + 40, 1);
        int root = 4096 + 64;
        image.putShort(root, (short) 5).putShort(root + 4, (short) 040755);
        image.putLong(root + 8, 3 * 12 + 1 + 2 + name.length()).putInt(root + 44, 2);
        int entries = root + 64;
        image.putLong(entries, 2).putShort(entries + 8, (short) 36).put(entries + 10, (byte) 2);
        image.putLong(entries + 12, 2).putShort(entries + 20, (short) 37).put(entries + 22, (byte) 2);
        image.putLong(entries + 24, 8).putShort(entries + 32, (short) 39).put(entries + 34, (byte) 1);
        image.position(entries + 36).put((byte) '.').put(names);
        int file = 4096 + 8 * 32;
        image.putShort(file, (short) 1).putShort(file + 4, (short) 0100644).putInt(file + 44, 1);
        return Files.write(directory.resolve(name + ".erofs"), image.array());
    }

    private static Mount mount(Path image) {
        return new Mount("erofs", image.toString(), List.of("ro"));
    }

    private Mount overlay(Path... lowers) throws IOException {
        Path upper = Files.createDirectories(directory.resolve("upper"));
        Path work = Files.createDirectories(directory.resolve("work"));
        String lowerdir =
                String.join(":", List.of(lowers).stream().map(Path::toString).toList());
        return new Mount("overlay", "overlay", List.of("lowerdir=" + lowerdir, "upperdir=" + upper, "workdir=" + work));
    }

    @Test
    void anImageIsMountedFromItsFile() throws Exception {
        mounter.mount(mount(image("one")), target);
        assertThat(target.resolve("one")).isRegularFile();
        mounter.unmountAll(target);
        assertThat(mounter.isMountPoint(target)).isFalse();
    }

    /** As on a kernel that mounts devices only. */
    @Test
    void anImageIsMountedThroughALoopDeviceThatGoesWithIt() throws Exception {
        Path image = image("one");
        new Images(mounter).mountLooped(mount(image), target);
        assertThat(target.resolve("one")).isRegularFile();
        assertThat(loopsOf(image)).isEqualTo(1);
        mounter.unmountAll(target);
        for (int i = 0; i < 1500 && loopsOf(image) > 0; i++) {
            Thread.sleep(20);
        }
        assertThat(loopsOf(image)).isZero();
    }

    private static long loopsOf(Path image) throws IOException {
        long found = 0;
        try (var devices = Files.newDirectoryStream(Path.of("/sys/block"), "loop*")) {
            for (Path device : devices) {
                Path backing = device.resolve("loop/backing_file");
                if (Files.exists(backing)) {
                    found += Files.readString(backing).strip().equals(image.toString()) ? 1 : 0;
                }
            }
        }
        return found;
    }

    @Test
    void anOverlayStandsOnImagesAndDirectoriesAndLeavesNothingElseMounted() throws Exception {
        Path plain = Files.createDirectory(directory.resolve("plain"));
        Files.writeString(plain.resolve("three"), "3");
        mounter.mount(overlay(image("one"), plain, image("two")), target);
        assertThat(target.resolve("one")).isRegularFile();
        assertThat(target.resolve("two")).isRegularFile();
        assertThat(target.resolve("three")).hasContent("3");
        Files.writeString(target.resolve("one"), "written");
        assertThat(directory.resolve("upper/one")).hasContent("written");
        assertThat(MountTable.read().under(directory)).hasSize(1);
        Files.delete(directory.resolve("one.erofs"));
        assertThat(target.resolve("two")).as("what is mounted stays").isRegularFile();
    }

    @Test
    void aLowerThatCannotBeMountedLeavesNothingMounted() throws Exception {
        Path broken = Files.write(directory.resolve("broken"), new byte[8192]);
        Mount overlay = overlay(image("one"), image("two"), broken);
        assertThatThrownBy(() -> mounter.mount(overlay, target)).isInstanceOf(IOException.class);
        assertThat(MountTable.read().under(directory)).isEmpty();
    }

    /** The images lie at the target when the agent dies before it has taken them away from under the overlay. */
    @Test
    void aRootFileSystemThatWasLeftHalfMountedIsMountedAnew() throws Exception {
        Path exec = Files.createDirectory(directory.resolve("exec"));
        LinuxKernel kernel = new LinuxKernel(
                Files.createDirectory(directory.resolve("data")), exec, new LinuxFileCalls(), new LinuxNamespaces());
        ContainerId id = new ContainerId("ab".repeat(32));
        Path rootfs = Files.createDirectory(exec.resolve("rootfs").resolve(id.value()));
        mounter.mount(mount(image("one")), rootfs);
        try {
            assertThat(kernel.mountRootfs(id, List.of(overlay(image("one"), image("two")))))
                    .isEqualTo(rootfs);
            assertThat(rootfs.resolve("two")).isRegularFile();
            assertThat(MountTable.read().under(directory)).hasSize(1);
        } finally {
            kernel.unmountRootfs(id);
        }
        assertThat(MountTable.read().under(directory)).isEmpty();
    }
}
