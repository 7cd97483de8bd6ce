package dev.wharf.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.spi.runtime.RuntimeSpec.BoundMount;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GroundworkTest {
    @TempDir
    Path directory;

    private Path root;

    @BeforeEach
    void makeRoot() throws IOException {
        root = Files.createDirectory(directory.resolve("root"));
    }

    private void lay(BoundMount... mounts) {
        new Groundwork(Host.FILES, root).lay(List.of(mounts));
    }

    private BoundMount bind(Path source, String target) {
        return new BoundMount("bind", source.toString(), target, List.of());
    }

    private List<String> files() throws IOException {
        try (Stream<Path> all = Files.walk(root)) {
            return all.filter(path -> !path.equals(root))
                    .map(path -> root.relativize(path).toString())
                    .sorted()
                    .toList();
        }
    }

    @Test
    void aRootOfNothingGetsWhatEveryContainerHas() throws IOException {
        lay();

        assertThat(files())
                .containsExactly(
                        ".dockerenv",
                        "dev",
                        "etc",
                        "etc/hostname",
                        "etc/hosts",
                        "etc/mtab",
                        "etc/resolv.conf",
                        "proc",
                        "sys");
        assertThat(Files.readSymbolicLink(root.resolve("etc/mtab"))).isEqualTo(Path.of("/proc/mounts"));
        for (String name : List.of(".dockerenv", "etc", "etc/hosts", "proc")) {
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(root.resolve(name))))
                    .isEqualTo("rwxr-xr-x");
        }
    }

    @Test
    void whatAnImageBringsStays() throws IOException {
        Files.createDirectory(root.resolve("etc"));
        Files.writeString(root.resolve("etc/hosts"), "mine");
        Files.createSymbolicLink(root.resolve("etc/mtab"), Path.of("../proc/self/mounts"));
        Files.createSymbolicLink(root.resolve("etc/resolv.conf"), Path.of("/run/nowhere/resolv.conf"));
        lay();
        lay();

        assertThat(Files.readString(root.resolve("etc/hosts"))).isEqualTo("mine");
        assertThat(Files.readSymbolicLink(root.resolve("etc/mtab"))).isEqualTo(Path.of("../proc/self/mounts"));
        assertThat(root.resolve("run")).doesNotExist();
        assertThat(Files.list(root.resolve("proc"))).isEmpty();
    }

    @Test
    void mountsHaveAPlaceOfTheirKind() throws IOException {
        Path file = Files.writeString(directory.resolve("file"), "x");
        Files.createDirectories(root.resolve("usr/lib"));
        Files.createSymbolicLink(root.resolve("lib"), Path.of("/usr/lib"));
        lay(
                bind(directory, "/a/b"),
                bind(file, "/a/b/below/another"),
                bind(file, "/c/file"),
                bind(directory, "/lib/d"),
                new BoundMount("tmpfs", "", "/t", List.of()),
                bind(file, "/dev/shm/x"));

        assertThat(files())
                .contains("a/b", "c/file", "usr/lib/d", "t")
                .noneMatch(path -> path.startsWith("a/b/") || path.startsWith("dev/") || path.startsWith("lib/"));
        assertThat(root.resolve("c/file")).isRegularFile();
        assertThat(root.resolve("t")).isDirectory();
        assertThat(Host.FILES.stat(root.resolve("t")).mode() & 07777)
                .as("the next start finds the mode that a tmpfs has by itself")
                .isEqualTo(01777);
    }

    @Test
    void noLinkLeadsOutOfTheRoot() throws IOException {
        Path outside = Files.createDirectory(directory.resolve("outside"));
        Files.createSymbolicLink(root.resolve("etc"), outside);
        Files.createSymbolicLink(root.resolve("up"), Path.of("../../.."));
        lay(bind(directory, "/etc/there"));
        assertThat(outside).isEmptyDirectory();

        Files.delete(root.resolve("etc"));
        lay(bind(directory, "/up/over"));
        assertThat(directory.resolve("over")).doesNotExist();
        assertThat(root.resolve("over")).isDirectory();
    }
}
