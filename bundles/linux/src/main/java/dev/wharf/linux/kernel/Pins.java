package dev.wharf.linux.kernel;

import static dev.wharf.linux.libc.LibC.O_CLOEXEC;
import static dev.wharf.linux.libc.LibC.O_PATH;

import dev.wharf.linux.libc.CString;
import dev.wharf.linux.libc.Errno;
import dev.wharf.linux.libc.LibC;
import dev.wharf.model.ContainerId;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.kernel.Mount;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Mounts that hold the source of another mount while a runtime makes that: {@code <container>/<number>}, and {@code
 * <container>/<number>.inside} for a path below. A runtime takes a path, and whoever can write to a volume could put a link
 * there between our look and its mount.
 */
final class Pins {
    private static final int TRIES = 100;

    private final LibC libc = LibC.get();
    private final Path directory;
    private final Mounter mounter;

    Pins(Path directory, Mounter mounter) {
        this.directory = directory;
        this.mounter = mounter;
    }

    Path pin(ContainerId container, int number, List<Mount> mounts, String inside) throws IOException, DriverException {
        Path home = directory.resolve(container.value());
        Path whole = home.resolve(Integer.toString(number));
        mounter.detach(whole);
        Files.createDirectories(whole);
        for (Mount mount : mounts) {
            mounter.mount(mount, whole);
        }
        mounter.makePrivate(whole);
        return inside.isEmpty() ? whole : below(whole, inside, home.resolve(number + ".inside"));
    }

    private Path below(Path whole, String inside, Path held) throws IOException, DriverException {
        int root = Errno.check(libc.open(CString.of(whole), O_PATH | O_CLOEXEC, 0), "open", whole);
        try {
            int found = openBeneath(root, inside);
            if (found < 0) {
                throw unreachable(LibC.errno(), inside);
            }
            try {
                Path source = Path.of("/proc/self/fd/" + found);
                mounter.detach(held);
                Files.deleteIfExists(held);
                if (Files.isDirectory(source)) {
                    Files.createDirectory(held);
                } else {
                    Files.createFile(held);
                }
                mounter.mount(new Mount("bind", source.toString(), List.of("rbind", "private")), held);
                return held;
            } finally {
                libc.close(found);
            }
        } finally {
            libc.close(root);
        }
    }

    private static DriverException unreachable(int errno, String inside) {
        return switch (errno) {
            case Errno.ENOENT, Errno.ENOTDIR ->
                DriverException.failure(
                        Failure.Kind.MISSING, "cannot access path " + inside + ": no such file or directory");
            case Errno.EXDEV ->
                DriverException.failure(
                        Failure.Kind.INVALID,
                        "path concatenation escapes the base directory: subpath " + inside + " leads out of it");
            default ->
                DriverException.failure(
                        Failure.Kind.FAILED,
                        "cannot access path " + inside + ": "
                                + Errno.exception(errno, "openat2", inside).getMessage());
        };
    }

    /** openat2(2): fails where anything on the way, a link among it, leads above {@code root}. */
    private int openBeneath(int root, String inside) {
        ByteBuffer how = ByteBuffer.allocate(24).order(ByteOrder.nativeOrder());
        how.putLong(O_PATH | O_CLOEXEC).putLong(0).putLong(LibC.RESOLVE_BENEATH | LibC.RESOLVE_NO_MAGICLINKS);
        for (int tries = 0; ; tries++) {
            int fd = (int) libc.syscall(LibC.SYS_OPENAT2, root, CString.of(inside), how.array(), 24L);
            if (fd >= 0 || LibC.errno() != Errno.EAGAIN || tries >= TRIES) {
                return fd;
            }
        }
    }

    /** Lets go of everything that is held. */
    void clear() throws IOException {
        List<ContainerId> holders = new ArrayList<>();
        try (var names = Files.newDirectoryStream(directory, LinuxKernel::isId)) {
            names.forEach(name -> holders.add(new ContainerId(name.getFileName().toString())));
        }
        for (ContainerId holder : holders) {
            unpin(holder);
        }
    }

    boolean unpin(ContainerId container) throws IOException {
        Path home = directory.resolve(container.value());
        if (!Files.isDirectory(home)) {
            return false;
        }
        List<Path> held = new ArrayList<>();
        try (var names = Files.newDirectoryStream(home)) {
            names.forEach(held::add);
        }
        // The longer name is mounted from the shorter.
        held.sort(Comparator.comparing(Path::toString).reversed());
        for (Path one : held) {
            mounter.detach(one);
            // Never a tree: were it mounted still, its content is not ours to remove.
            Files.deleteIfExists(one);
        }
        Files.deleteIfExists(home);
        return true;
    }
}
