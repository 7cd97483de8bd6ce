package dev.wharf.linux.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LinuxProjectQuotasTest {
    private static final long MEGABYTE = 1 << 20;

    @TempDir
    Path dir;

    private final LinuxProjectQuotas quotas = new LinuxProjectQuotas();
    private final List<Path> mounted = new ArrayList<>();

    @AfterEach
    void unmount() throws Exception {
        for (Path each : mounted) {
            run("umount", each.toString());
        }
    }

    /** A file system of the test's own that counts, where this kernel has it. */
    private Path counting(String name, List<String> make, String option) throws Exception {
        Path image = dir.resolve(name + ".img");
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(320 * MEGABYTE);
        }
        List<String> command = new ArrayList<>(make);
        command.add(image.toString());
        Path at = Files.createDirectory(dir.resolve(name));
        assumeThat(run(command.toArray(String[]::new)))
                .as("left out: no " + make.get(0))
                .isZero();
        assumeThat(run("mount", "-o", "loop," + option, image.toString(), at.toString()))
                .as("left out: this kernel mounts no %s with project quotas", name)
                .isZero();
        mounted.add(at);
        return at;
    }

    private static int run(String... command) throws Exception {
        try {
            Process process =
                    new ProcessBuilder(command).redirectErrorStream(true).start();
            process.getInputStream().readAllBytes();
            return process.waitFor();
        } catch (IOException e) {
            return 127;
        }
    }

    @Test
    void ext4KeepsADirectoryBelowItsLimit() throws Exception {
        limits(counting("ext4", List.of("mkfs.ext4", "-q", "-F", "-O", "quota,project"), "prjquota"));
    }

    @Test
    void xfsKeepsADirectoryBelowItsLimit() throws Exception {
        limits(counting("xfs", List.of("mkfs.xfs", "-q"), "pquota"));
    }

    private void limits(Path root) throws Exception {
        assertThat(quotas.obstacle(root)).isEmpty();
        Path limited = Files.createDirectories(root.resolve("limited/below"));
        Path free = Files.createDirectories(root.resolve("free"));
        assertThat(written(limited, "before", 1)).isTrue();

        quotas.limit(root.resolve("limited"), 8 * MEGABYTE);
        quotas.limit(root.resolve("limited"), 6 * MEGABYTE);

        assertThat(written(limited, "some", 4)).isTrue();
        assertThat(written(limited, "more", 4)).isFalse();
        assertThat(written(free, "more", 20)).isTrue();

        quotas.makeRoom(root.resolve("limited"), 6 * MEGABYTE);
        Files.createDirectory(limited.resolve("work"));
        Files.delete(limited.resolve("more"));
        Files.delete(limited.resolve("some"));
        // Xfs counts what was removed for a moment longer.
        long end = System.nanoTime() + 30_000_000_000L;
        boolean fits = true;
        while (fits && System.nanoTime() < end) {
            Files.deleteIfExists(limited.resolve("again"));
            quotas.makeRoom(root.resolve("limited"), 6 * MEGABYTE);
            fits = written(limited, "again", 6);
        }
        assertThat(fits).as("it is held to its size again").isFalse();

        quotas.forget(root.resolve("limited"));
        assertThat(written(limited, "again", 20)).isTrue();
    }

    /** By somebody whom ext4 does not let off, as it does whoever has CAP_SYS_RESOURCE. */
    private static boolean written(Path folder, String name, int megabytes) throws Exception {
        return run(
                        "setpriv",
                        "--bounding-set=-sys_resource",
                        "dd",
                        "if=/dev/zero",
                        "of=" + folder.resolve(name),
                        "bs=64k",
                        "count=" + megabytes * 16)
                == 0;
    }

    @Test
    void whatIsFullGetsALittleRoomAFewTimes() {
        assertThat(LinuxProjectQuotas.roomy(0, 50 * MEGABYTE)).isEqualTo(50 * MEGABYTE);
        assertThat(LinuxProjectQuotas.roomy(49 * MEGABYTE, 50 * MEGABYTE)).isEqualTo(50 * MEGABYTE);
        assertThat(LinuxProjectQuotas.roomy(50 * MEGABYTE, 50 * MEGABYTE)).isEqualTo(51 * MEGABYTE);
        assertThat(LinuxProjectQuotas.roomy(66 * MEGABYTE, 50 * MEGABYTE)).isEqualTo(66 * MEGABYTE);
    }

    @Test
    void whatCountsNothingSaysWhatIsMissing() throws Exception {
        Path shared = Files.createTempDirectory(Path.of("/dev/shm"), "quotas");
        try {
            assertThat(quotas.obstacle(shared).orElseThrow()).contains("counts no project quotas", "prjquota");
        } finally {
            Files.delete(shared);
        }
    }

    @Test
    void aFileSystemWhosePartsAreDevicesOfTheirOwnSaysTheSame() throws Exception {
        assertThat(quotas.obstacle(counting("btrfs", List.of("mkfs.btrfs", "-q"), "rw")))
                .hasValueSatisfying(why -> assertThat(why).contains("counts no project quotas", "prjquota"));
    }

    @Test
    void aNumberIsTheInodesOrOneOfTheUpperHalfThatNobodyHas() {
        assertThat(LinuxProjectQuotas.project(12, taken -> true)).isEqualTo(12);
        assertThat(LinuxProjectQuotas.project(0x7fff_ffffL, taken -> true)).isEqualTo(Integer.MAX_VALUE);
        int first = LinuxProjectQuotas.project(0x1_2345_6789L, taken -> false);
        int second = LinuxProjectQuotas.project(0x1_2345_6789L, Set.of(first)::contains);
        assertThat(first).isNegative();
        assertThat(second).isNegative().isNotEqualTo(first);
        assertThat(LinuxProjectQuotas.project(0xffff_ffffL, taken -> false))
                .as("that is none")
                .isNotIn(-1, 0);
    }
}
