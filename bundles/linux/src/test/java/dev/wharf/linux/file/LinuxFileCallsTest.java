package dev.wharf.linux.file;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.spi.kernel.FileCalls.Stat;
import java.io.IOException;
import java.net.URI;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 120, unit = TimeUnit.SECONDS)
class LinuxFileCallsTest {
    private final LinuxFileCalls calls = new LinuxFileCalls();

    @TempDir
    private Path dir;

    @Test
    void ownersModesAndTimesAreSetOnTheLinkItselfOrTheFile() throws IOException {
        Path file = Files.writeString(dir.resolve("file"), "hello");
        Path link = Files.createSymbolicLink(dir.resolve("link"), file);

        calls.chown(file, 1234, 4_000_000_000L);
        calls.chmod(file, 06755);
        calls.setTimes(file, 1_600_000_000L, 123_456_789);
        calls.chown(link, 77, 78);
        calls.setTimes(link, -5, 0);

        Stat found = calls.stat(file);
        assertThat(found.uid()).isEqualTo(1234);
        assertThat(found.gid()).isEqualTo(4_000_000_000L);
        assertThat(found.mode()).isEqualTo(0106755);
        assertThat(found.modifiedSeconds()).isEqualTo(1_600_000_000L);
        assertThat(found.modifiedNanos()).isEqualTo(123_456_789);
        assertThat(found.sizeBytes()).isEqualTo(5);
        assertThat(found.isRegular()).isTrue();
        Stat ofLink = calls.stat(link);
        assertThat(ofLink.isSymbolicLink()).isTrue();
        assertThat(ofLink.uid()).isEqualTo(77);
        assertThat(ofLink.modifiedSeconds()).isEqualTo(-5);
    }

    @Test
    void devicesAndFifosAreMade() throws IOException {
        calls.mknod(dir.resolve("null"), 0020666, 1, 3);
        calls.mknod(dir.resolve("wide"), 0060600, 259, 70_000);
        calls.mknod(dir.resolve("fifo"), 0010600, 0, 0);

        assertThat(calls.stat(dir.resolve("null")).rdevMajor()).isEqualTo(1);
        assertThat(calls.stat(dir.resolve("null")).rdevMinor()).isEqualTo(3);
        assertThat(calls.stat(dir.resolve("wide")).rdevMajor()).isEqualTo(259);
        assertThat(calls.stat(dir.resolve("wide")).rdevMinor()).isEqualTo(70_000);
        assertThat(calls.stat(dir.resolve("fifo")).mode() & 0170000).isEqualTo(0010000);
    }

    @Test
    void aHardLinkToASymbolicLinkIsTheLink() throws IOException {
        Path link = Files.createSymbolicLink(dir.resolve("link"), Path.of("nowhere"));

        calls.link(link, dir.resolve("second"));

        assertThat(Files.readSymbolicLink(dir.resolve("second"))).isEqualTo(Path.of("nowhere"));
        assertThat(calls.stat(link).links()).isEqualTo(2);
    }

    @Test
    void extendedAttributesComeBackAsTheyWereSet() throws IOException {
        Path file = Files.createFile(dir.resolve("file"));
        byte[] large = new byte[1500];
        large[700] = 7;

        calls.setXattr(file, "trusted.overlay.opaque", new byte[] {'y'});
        calls.setXattr(file, "user.large", large);
        calls.setXattr(file, "user.empty", new byte[0]);

        assertThat(calls.xattr(file, "trusted.overlay.opaque")).contains(new byte[] {'y'});
        assertThat(calls.xattr(file, "user.large")).contains(large);
        assertThat(calls.xattr(file, "user.empty")).contains(new byte[0]);
        assertThat(calls.xattr(file, "user.missing")).isEmpty();
        assertThat(calls.xattr(dir.resolve("nothing"), "user.large")).isEmpty();
        assertThatThrownBy(() -> calls.xattr(file.resolve("below"), "user.large"))
                .isInstanceOf(IOException.class);
    }

    @Test
    void aPathIsResolvedAsIfTheRootWereTheWorld() throws IOException {
        Path root = Files.createDirectories(dir.resolve("root"));
        Files.createDirectories(root.resolve("etc"));
        Files.writeString(root.resolve("etc/passwd"), "inside");
        Files.createSymbolicLink(root.resolve("absolute"), Path.of("/etc"));
        Files.createSymbolicLink(root.resolve("climbing"), Path.of("../../../../etc"));
        Files.createSymbolicLink(root.resolve("dangling"), Path.of("/etc/new"));
        Files.createSymbolicLink(root.resolve("etc/relative"), Path.of("../etc/newer"));
        Files.createSymbolicLink(root.resolve("loop"), Path.of("loop"));

        assertThat(calls.resolveInRoot(root, "/absolute/passwd")).isEqualTo(root.resolve("etc/passwd"));
        assertThat(calls.resolveInRoot(root, "climbing/passwd")).isEqualTo(root.resolve("etc/passwd"));
        assertThat(calls.resolveInRoot(root, "/../../etc/passwd")).isEqualTo(root.resolve("etc/passwd"));
        assertThat(calls.resolveInRoot(root, "/absolute/missing")).isEqualTo(root.resolve("etc/missing"));
        assertThat(calls.resolveInRoot(root, "/dangling")).isEqualTo(root.resolve("etc/new"));
        assertThat(calls.resolveInRoot(root, "/etc/relative")).isEqualTo(root.resolve("etc/newer"));
        assertThat(calls.resolveInRoot(root, "/").normalize()).isEqualTo(root);
        assertThatThrownBy(() -> calls.resolveInRoot(root, "/loop")).isInstanceOf(FileSystemException.class);
        assertThatThrownBy(() -> calls.resolveInRoot(root, "/no/such")).isInstanceOf(NoSuchFileException.class);
    }

    @Test
    void resolvingAPathLeavesNoDescriptorThatWouldKeepItsFileSystemBusy() throws IOException {
        Path root = Files.createDirectories(dir.resolve("busy/etc")).getParent();

        calls.resolveInRoot(root, "/etc");
        calls.resolveInRoot(root, "/etc/missing");

        try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
            assertThat(open.filter(Files::isSymbolicLink).map(LinuxFileCallsTest::target))
                    .noneMatch(path -> path.startsWith(root.toString()));
        }
    }

    private static String target(Path descriptor) {
        try {
            return Files.readSymbolicLink(descriptor).toString();
        } catch (IOException e) {
            // The one that the list was read through.
            return "";
        }
    }

    @Test
    void onlySmallRegularFilesInsideTheRootAreRead() throws IOException {
        Path root = Files.createDirectories(dir.resolve("root"));
        Files.writeString(dir.resolve("secret"), "outside");
        Files.writeString(root.resolve("file"), "inside");
        Files.createSymbolicLink(root.resolve("out"), dir.resolve("secret"));
        calls.mknod(root.resolve("zero"), 0020666, 1, 5);
        calls.mknod(root.resolve("fifo"), 0010666, 0, 0);

        assertThat(new String(calls.readInRoot(root, "/file", 100), UTF_8)).isEqualTo("inside");
        assertThat(calls.readInRoot(root, "/file", 6)).hasSize(6);
        assertThatThrownBy(() -> calls.readInRoot(root, "/file", 5)).hasMessageContaining("larger than 5 bytes");
        assertThatThrownBy(() -> calls.readInRoot(root, "/out", 100)).isInstanceOf(NoSuchFileException.class);
        assertThatThrownBy(() -> calls.readInRoot(root, "/zero", 100)).hasMessageContaining("not a regular file");
        assertThatThrownBy(() -> calls.readInRoot(root, "/fifo", 100)).hasMessageContaining("not a regular file");
    }

    @Test
    void aDurableRenameReplacesWhatWasThere() throws IOException {
        Files.writeString(dir.resolve("from"), "new");
        Files.writeString(dir.resolve("to"), "old");

        calls.renameDurably(dir.resolve("from"), dir.resolve("to"));

        assertThat(Files.readString(dir.resolve("to"))).isEqualTo("new");
        assertThat(dir.resolve("from")).doesNotExist();
        calls.syncFileSystem(dir);
    }

    @Test
    void aTreeIsRemovedWithoutFollowingLinks() throws IOException {
        Path outside = Files.createDirectories(dir.resolve("outside"));
        Files.writeString(outside.resolve("kept"), "kept");
        Path tree = Files.createDirectories(dir.resolve("tree/a/b/c"));
        Files.createSymbolicLink(tree.resolve("link"), outside);
        for (int i = 0; i < 2000; i++) {
            Files.createFile(tree.resolve("file-" + i));
        }
        calls.mknod(tree.resolve("fifo"), 0010000, 0, 0);

        calls.removeTree(dir.resolve("tree"));
        calls.removeTree(dir.resolve("tree"));
        calls.removeTree(dir.resolve("never/was"));

        assertThat(dir.resolve("tree")).doesNotExist();
        assertThat(outside.resolve("kept")).exists();
    }

    @Test
    void aTreeOfAnyDepthIsRemoved() throws Exception {
        Path tree = Files.createDirectory(dir.resolve("deep"));
        // Deeper than a path can name: made by a shell that walks down.
        String script =
                "cd \"$0\" && i=0; while [ $i -lt 400 ]; do mkdir ddddddddddddddd && cd -P ddddddddddddddd || exit 1;"
                        + " : > file; i=$((i+1)); done";
        Process shell = new ProcessBuilder("busybox", "sh", "-c", script, tree.toString())
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        shell.waitFor();

        calls.removeTree(tree);

        assertThat(tree).doesNotExist();
    }

    @Test
    void aSymbolicLinkIsRemovedAndItsTargetStays() throws IOException {
        Path target = Files.createDirectories(dir.resolve("target"));
        Files.createSymbolicLink(dir.resolve("link"), target);

        calls.removeTree(dir.resolve("link"));

        assertThat(Files.exists(dir.resolve("link"), LinkOption.NOFOLLOW_LINKS)).isFalse();
        assertThat(target).exists();
    }

    @Test
    void aNameThatIsNoTextIsNamedByItsBytes() throws IOException {
        Path odd = Path.of(URI.create(dir.toUri().toString() + "odd-%FF%FE"));
        Files.writeString(odd, "x");
        Files.setLastModifiedTime(odd, FileTime.fromMillis(0));

        calls.setTimes(odd, 99, 0);

        assertThat(calls.stat(odd).modifiedSeconds()).isEqualTo(99);
        calls.removeTree(odd);
        assertThat(Files.exists(odd)).isFalse();
    }
}
