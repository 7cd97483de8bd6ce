package dev.wharf.storage.erofs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.wharf.linux.file.LinuxTree;
import dev.wharf.linux.kernel.LinuxMountCalls;
import dev.wharf.oci.layer.Dir;
import dev.wharf.oci.layer.Packer;
import dev.wharf.spi.kernel.Mount;
import dev.wharf.testkit.storage.Listing;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is written is what this house reads, and what the kernel reads. */
class ImageTest {
    @TempDir
    private Path directory;

    private Path image;
    private Path mounted;

    @BeforeEach
    void place() throws IOException {
        image = directory.resolve("image");
        mounted = Files.createDirectory(directory.resolve("mnt"));
    }

    @AfterEach
    void unmount() throws IOException {
        new LinuxMountCalls().unmount(mounted);
    }

    private interface Content {
        void in(Dir root) throws IOException;
    }

    private void write(Content content) throws IOException {
        try (ImageWriter writer = new ImageWriter(image, directory.resolve("waiting"));
                Dir root = writer.root()) {
            content.in(root);
            writer.finish();
        }
    }

    private static void file(Dir dir, String name, int size) throws IOException {
        byte[] bytes = new byte[size];
        Arrays.fill(bytes, (byte) ('a' + size % 26));
        try (Dir.Output file = dir.create(name)) {
            for (int done = 0; done < size; done += 1000) {
                file.write(bytes, done, Math.min(1000, size - done));
            }
            file.chmod(0644);
        }
    }

    /** Reads it here and through the kernel. */
    private Map<String, String> readTwice() throws IOException {
        Map<String, String> here;
        try (Dir root = Image.open(image)) {
            here = Listing.of(root);
        }
        assumeTrue(ErofsDriverTest.isInKernel(), "the kernel has no erofs to read it with");
        new LinuxMountCalls().mount(new Mount("erofs", image.toString(), List.of("ro")), mounted);
        try (Dir root = new LinuxTree().open(mounted)) {
            assertThat(Listing.of(root)).isEqualTo(here);
        }
        return here;
    }

    @Test
    void anEmptyImageHasARoot() throws Exception {
        write(root -> root.chmod(".", 01777));
        assertThat(readTwice())
                .containsOnlyKeys(".")
                .hasEntrySatisfying(".", line -> assertThat(line).startsWith("41777 0:0"));
    }

    @Test
    void filesOfEverySizeAroundABlockAreWhole() throws Exception {
        List<Integer> sizes =
                List.of(0, 1, 31, 4000, 4031, 4032, 4033, 4095, 4096, 4097, 8191, 8192, 8193, 100_000, 3_000_000);
        write(root -> {
            for (int size : sizes) {
                file(root, "f" + size, size);
            }
        });
        Map<String, String> seen = readTwice();
        for (int size : sizes) {
            assertThat(seen.get("f" + size)).contains(" size=" + size + " ");
        }
    }

    @Test
    void smallFilesWithManyAttributesKeepBoth() throws Exception {
        write(root -> {
            for (int size : List.of(0, 1, 3800, 4000, 5000)) {
                file(root, "f" + size, size);
                for (int i = 0; i < 10; i++) {
                    root.setXattr("f" + size, "user.attribute" + i, new byte[i * 900]);
                }
                root.setXattr("f" + size, "trusted.overlay.opaque", new byte[] {'y'});
            }
            assertThat(root.setXattr("f0", "btrfs.compression", new byte[1])).isFalse();
            assertThatThrownBy(() -> root.setXattr("f0", "user.huge", new byte[65536]))
                    .hasMessageContaining("too large for erofs");
            root.removeXattr("f0", "user.huge");
        });
        assertThat(readTwice().get("f5000")).contains("user.attribute9=");
    }

    @Test
    void directoriesOfManyBlocksAndNamesOfAllBytesAreSorted() throws Exception {
        write(root -> {
            root.makeDirectory("d");
            try (Dir d = root.enter("d")) {
                for (int i = 0; i < 3000; i++) {
                    d.makeNode("name-" + "x".repeat(i % 180) + i, 0010000, 0, 0);
                }
                // Two of these sort differently as text; the second is no UTF-8.
                file(d, "\uff21", 1);
                file(d, "\udcff", 2);
                file(d, "\ud83d\ude00", 3);
                file(d, "!", 4);
                file(d, "y".repeat(255), 5);
            }
        });
        assertThat(readTwice()).hasSize(3007);
    }

    @Test
    void everyKindOfFileAndEveryNameOfItIsThere() throws Exception {
        write(root -> {
            root.makeNode("char", 0020000, 300, 70000);
            root.makeNode("block", 0060000, 8, 1);
            root.makeNode("gone", 0020000, 0, 0);
            root.symlink("link", "t".repeat(4000));
            root.symlink("short", "../x");
            root.makeDirectory("d");
            try (Dir d = root.enter("d")) {
                file(d, "one", 10);
                root.link("two", d, "one");
                d.makeDirectory("e");
                d.makeDirectory("f");
            }
            root.chown("d", 3_000_000_000L, 4_000_000_000L);
            root.setTimes("d", -5, 999_999_999);
        });
        Map<String, String> seen = readTwice();
        assertThat(seen.get("d")).isEqualTo("40700 3000000000:4000000000 time=-5.999999999");
        assertThat(seen.get("two")).contains("same=d/one");
        assertThat(seen.get("char")).contains("device=300:70000");
        assertThat(Files.getAttribute(mounted.resolve("d"), "unix:nlink")).isEqualTo(4);
        assertThat(Files.getAttribute(mounted.resolve("two"), "unix:nlink")).isEqualTo(2);
    }

    @Test
    void whatWasRemovedWhileItWasWrittenIsGone() throws Exception {
        write(root -> {
            file(root, "a", 5000);
            root.link("b", root, "a");
            root.remove("a");
            root.makeDirectory("d");
            try (Dir d = root.enter("d")) {
                root.link("c", root, "b");
                d.link("b", root, "b");
            }
            root.remove("d");
            root.remove("never-there");
        });
        assertThat(readTwice()).containsOnlyKeys(".", "b", "c");
        assertThat(Files.getAttribute(mounted.resolve("b"), "unix:nlink")).isEqualTo(2);
    }

    @Test
    void aDamagedImageIsToldByName() throws Exception {
        Files.write(image, new byte[8192]);
        assertThatThrownBy(() -> Image.open(image))
                .hasMessageContaining(image.toString())
                .hasMessageContaining("damaged");
        Files.write(image, new byte[10]);
        assertThatThrownBy(() -> Image.open(image)).hasMessageContaining("ends too soon");
    }

    /** What it takes must not grow with the content, and the time not with the number of files squared. */
    @Test
    void aHundredThousandFilesAreOneFile() throws Exception {
        long before = System.nanoTime();
        write(root -> {
            for (int i = 0; i < 100; i++) {
                root.makeDirectory("d" + i);
                try (Dir d = root.enter("d" + i)) {
                    for (int j = 0; j < 1000; j++) {
                        file(d, "file" + j, 200 + j);
                    }
                }
            }
        });
        System.out.printf("100,000 files written in %d ms%n", (System.nanoTime() - before) / 1_000_000);
        try (InputStream tar = Packer.upper(Image.open(image), java.util.Optional.empty())) {
            assertThat(tar.skip(Long.MAX_VALUE)).isGreaterThan(100_000L * 1024);
        }
        assumeTrue(ErofsDriverTest.isInKernel(), "the kernel has no erofs to read it with");
        new LinuxMountCalls().mount(new Mount("erofs", image.toString(), List.of("ro")), mounted);
        assertThat(Files.readString(mounted.resolve("d99/file999"))).hasSize(1199);
    }
}
