package dev.wharf.runtime;

import dev.wharf.spi.kernel.FileCalls;
import dev.wharf.spi.runtime.RuntimeSpec.BoundMount;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is in every container's files before anything runs in it: that by which programs know that they are in one, a table of
 * mounts for those that read it, and what is mounted upon. A runtime would make the last, too, but with modes of its own, and
 * they are seen when a container is exported or committed. What an image brings stays as it is.
 */
final class Groundwork {
    private static final Logger LOG = LoggerFactory.getLogger(Groundwork.class);
    private static final int MODE = 0755;

    /** What the kernel gives the root of a tmpfs for which nobody says a mode. */
    private static final int USUAL_TMPFS_MODE = 01777;

    /** Where runtimes mount file systems of the kernel, and make on them what is mounted upon. */
    private static final List<String> KERNELS = List.of("/dev", "/proc", "/sys");

    private final FileCalls files;
    private final Path root;
    private final Map<String, Path> known = new HashMap<>();

    /** The ground of one container, whose files are below {@code root} and which does not run. */
    Groundwork(FileCalls files, Path root) {
        this.files = files;
        this.root = root;
    }

    /** Makes what is missing. What cannot be made is left to the runtime, which says why. */
    void lay(List<BoundMount> mounts) {
        try {
            file("/.dockerenv");
            for (String name : List.of(HostFiles.RESOLV, HostFiles.HOSTNAME, HostFiles.HOSTS)) {
                file("/etc/" + name);
            }
            Path table = place("/etc/mtab");
            if (!exists(table)) {
                Files.createSymbolicLink(table, Path.of("/proc/mounts"));
            }
            for (String top : KERNELS) {
                below(place(top));
            }
            for (BoundMount mount : mounts) {
                if (isOnRoot(mount.target(), mounts)) {
                    point(mount);
                }
            }
        } catch (IOException e) {
            LOG.debug("the ground of a container is left to the runtime root={}", root, e);
        }
    }

    /** Whether what is mounted at this target is mounted upon the container's own files, and upon no other mount. */
    static boolean isOnRoot(String target, List<BoundMount> mounts) {
        return KERNELS.stream().noneMatch(top -> target.startsWith(top + "/"))
                && above(target, mounts).isEmpty();
    }

    /** The mount in which the place of this target is. */
    static Optional<BoundMount> above(String target, List<BoundMount> mounts) {
        return mounts.stream()
                .filter(other -> target.startsWith(other.target() + "/"))
                .max(Comparator.comparingInt(other -> other.target().length()));
    }

    private void point(BoundMount mount) throws IOException {
        if (mount.type().equals("bind") && !Files.isDirectory(Path.of(mount.source()))) {
            file(mount.target());
        } else {
            // An empty tmpfs takes the mode of what it is mounted upon, and at the next start that is what is made
            // here.
            below(place(mount.target()), mount.type().equals("tmpfs") ? USUAL_TMPFS_MODE : MODE);
        }
    }

    private void file(String inside) throws IOException {
        Path path = place(inside);
        if (!exists(path)) {
            Files.createFile(path);
            files.chmod(path, MODE);
        }
    }

    private void below(Path directory) throws IOException {
        below(directory, MODE);
    }

    private void below(Path directory, int mode) throws IOException {
        if (!exists(directory)) {
            Files.createDirectory(directory);
            files.chmod(directory, mode);
        }
    }

    /** Where something of this name is, or would be: links on the way are followed as from inside, the last is not. */
    private Path place(String inside) throws IOException {
        int slash = inside.lastIndexOf('/');
        return directory(inside.substring(0, Math.max(0, slash))).resolve(inside.substring(slash + 1));
    }

    private Path directory(String inside) throws IOException {
        if (inside.isEmpty()) {
            return root;
        }
        Path path = known.get(inside);
        if (path == null) {
            path = resolved(inside);
            below(path);
            known.put(inside, path);
        }
        return path;
    }

    private Path resolved(String inside) throws IOException {
        try {
            return files.resolveInRoot(root, inside);
        } catch (NoSuchFileException e) {
            below(place(inside));
            return files.resolveInRoot(root, inside);
        }
    }

    private static boolean exists(Path path) {
        return Files.exists(path, LinkOption.NOFOLLOW_LINKS);
    }
}
