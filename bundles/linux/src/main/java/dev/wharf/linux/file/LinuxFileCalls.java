package dev.wharf.linux.file;

import static dev.wharf.linux.libc.LibC.AT_EMPTY_PATH;
import static dev.wharf.linux.libc.LibC.AT_FDCWD;
import static dev.wharf.linux.libc.LibC.AT_SYMLINK_NOFOLLOW;
import static dev.wharf.linux.libc.LibC.O_CLOEXEC;
import static dev.wharf.linux.libc.LibC.O_DIRECTORY;
import static dev.wharf.linux.libc.LibC.O_NOFOLLOW;
import static dev.wharf.linux.libc.LibC.O_PATH;
import static dev.wharf.linux.libc.LibC.O_RDONLY;
import static dev.wharf.linux.libc.LibC.RESOLVE_IN_ROOT;
import static dev.wharf.linux.libc.LibC.RESOLVE_NO_MAGICLINKS;

import dev.wharf.linux.libc.CString;
import dev.wharf.linux.libc.Errno;
import dev.wharf.linux.libc.LibC;
import dev.wharf.spi.kernel.FileCalls;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.osgi.service.component.annotations.Component;

/** File system calls through the C library. Holds no state. */
@Component(service = {FileCalls.class, LinuxFileCalls.class})
public final class LinuxFileCalls implements FileCalls {
    /** As many symbolic links as the kernel follows in one path (path_resolution(7)). */
    private static final int MOST_LINKS = 40;

    /** Room for most attributes. */
    private static final int SMALL = 256;

    private final LibC libc = LibC.get();

    @Override
    public void chown(Path path, long uid, long gid) throws IOException {
        // Ids are 32 bits without sign; the cast keeps the bits.
        Errno.check(libc.lchown(CString.of(path), (int) uid, (int) gid), "lchown", path);
    }

    @Override
    public void chmod(Path path, int mode) throws IOException {
        Errno.check(libc.chmod(CString.of(path), mode & 07777), "chmod", path);
    }

    @Override
    public void mknod(Path path, int mode, int major, int minor) throws IOException {
        Errno.check(libc.mknod(CString.of(path), mode, device(major, minor)), "mknod", path);
    }

    @Override
    public void link(Path existing, Path added) throws IOException {
        Errno.check(libc.linkat(AT_FDCWD, CString.of(existing), AT_FDCWD, CString.of(added), 0), "link", added);
    }

    @Override
    public void setTimes(Path path, long modifiedSeconds, int modifiedNanos) throws IOException {
        long[] times = {modifiedSeconds, modifiedNanos, modifiedSeconds, modifiedNanos};
        Errno.check(libc.utimensat(AT_FDCWD, CString.of(path), times, AT_SYMLINK_NOFOLLOW), "utimensat", path);
    }

    @Override
    public void setXattr(Path path, String name, byte[] value) throws IOException {
        Errno.check(
                libc.lsetxattr(CString.of(path), CString.of(name), value, value.length, 0), "lsetxattr " + name, path);
    }

    @Override
    public Optional<byte[]> xattr(Path path, String name) throws IOException {
        byte[] file = CString.of(path);
        byte[] key = CString.of(name);
        // Asked for often, and mostly of what is not there: that is no exception.
        byte[] value = new byte[SMALL];
        long length = libc.lgetxattr(file, key, value, value.length);
        if (length >= 0) {
            return Optional.of(Arrays.copyOf(value, (int) length));
        }
        int errno = LibC.errno();
        if (errno == Errno.ENOENT || errno == Errno.ENODATA || errno == Errno.EOPNOTSUPP) {
            return Optional.empty();
        }
        return Optional.of(grown(into -> libc.lgetxattr(file, key, into, into.length), "lgetxattr " + name, path));
    }

    /** All extended attributes of a path in bytes, llistxattr(2) and lgetxattr(2). */
    Map<String, byte[]> xattrs(byte[] file, Path path) throws IOException {
        byte[] names = grown(into -> libc.llistxattr(file, into, into.length), "llistxattr", path);
        Map<String, byte[]> found = new LinkedHashMap<>();
        for (int start = 0, end; start < names.length; start = end + 1) {
            end = start;
            while (end < names.length && names[end] != 0) {
                end++;
            }
            String name = new String(names, start, end - start, StandardCharsets.UTF_8);
            byte[] key = CString.of(name);
            found.put(name, grown(into -> libc.lgetxattr(file, key, into, into.length), "lgetxattr " + name, path));
        }
        return found;
    }

    @Override
    public Stat stat(Path path) throws IOException {
        return stat(AT_FDCWD, CString.of(path), AT_SYMLINK_NOFOLLOW, path);
    }

    @Override
    public Path resolveInRoot(Path root, String inside) throws IOException {
        int rootFd = openRoot(root);
        try {
            Path real = Files.readSymbolicLink(fdPath(rootFd));
            return root.resolve(real.relativize(resolve(rootFd, real, inside, 0)));
        } finally {
            libc.close(rootFd);
        }
    }

    @Override
    public byte[] readInRoot(Path root, String inside, int limit) throws IOException {
        int rootFd = openRoot(root);
        try {
            // O_PATH first: opening a device or a FIFO would already do something.
            int fd = openInRoot(rootFd, inside, O_PATH);
            Errno.check(fd, "openat2", inside);
            try {
                Stat stat = stat(fd, CString.of(""), AT_EMPTY_PATH, Path.of(inside));
                if (!stat.isRegular()) {
                    throw new FileSystemException(inside, null, "not a regular file");
                }
                if (stat.sizeBytes() > limit) {
                    throw new FileSystemException(inside, null, "larger than " + limit + " bytes");
                }
                return read(fd, inside, limit);
            } finally {
                libc.close(fd);
            }
        } finally {
            libc.close(rootFd);
        }
    }

    @Override
    public void renameDurably(Path from, Path to) throws IOException {
        Errno.check(libc.renameat2(AT_FDCWD, CString.of(from), AT_FDCWD, CString.of(to), 0), "rename", to);
        Path parent = to.toAbsolutePath().getParent();
        if (parent == null) {
            throw new FileSystemException(to.toString(), null, "has no parent directory");
        }
        withDirectory(parent, fd -> libc.fsync(fd), "fsync");
    }

    @Override
    public void syncFileSystem(Path path) throws IOException {
        int fd = Errno.check(libc.open(CString.of(path), O_RDONLY | O_CLOEXEC, 0), "open", path);
        try {
            Errno.check(libc.syncfs(fd), "syncfs", path);
        } finally {
            libc.close(fd);
        }
    }

    @Override
    public void removeTree(Path path) throws IOException {
        new TreeRemoval(libc).remove(path);
    }

    @Override
    public void copyTree(Path from, Path to) throws IOException {
        new TreeCopy(this).copy(from, to);
    }

    /** statx(2), whose structure is the same on every architecture. */
    Stat stat(int directory, byte[] path, int flags, Path name) throws IOException {
        byte[] raw = new byte[256];
        Errno.check(libc.statx(directory, path, flags, LibC.STATX_BASIC_STATS, raw), "statx", name);
        ByteBuffer stat = ByteBuffer.wrap(raw).order(ByteOrder.nativeOrder());
        return new Stat(
                device(stat.getInt(0x88), stat.getInt(0x8c)),
                stat.getLong(0x20),
                Short.toUnsignedInt(stat.getShort(0x1c)),
                Integer.toUnsignedLong(stat.getInt(0x10)),
                Integer.toUnsignedLong(stat.getInt(0x14)),
                Integer.toUnsignedLong(stat.getInt(0x18)),
                stat.getInt(0x80),
                stat.getInt(0x84),
                stat.getLong(0x28),
                stat.getLong(0x30),
                stat.getLong(0x70),
                stat.getInt(0x78));
    }

    private Path resolve(int rootFd, Path realRoot, String inside, int links) throws IOException {
        if (links > MOST_LINKS) {
            throw new FileSystemLoopException(inside + ": too many symbolic links");
        }
        int fd = openInRoot(rootFd, inside, O_PATH);
        if (fd >= 0) {
            try {
                return nameOf(fd);
            } finally {
                // A descriptor that is kept, even one of a path alone, keeps the file system from being unmounted.
                libc.close(fd);
            }
        }
        int errno = LibC.errno();
        if (errno != Errno.ENOENT) {
            throw Errno.exception(errno, "openat2", inside);
        }
        return resolveMissing(rootFd, realRoot, inside, links);
    }

    /** What is missing may be the last component, or what a symbolic link there points to. */
    private Path resolveMissing(int rootFd, Path realRoot, String inside, int links) throws IOException {
        String trimmed = inside.replaceAll("/+$", "");
        int slash = trimmed.lastIndexOf('/');
        String last = trimmed.substring(slash + 1);
        String before = slash <= 0 ? "/" : trimmed.substring(0, slash);
        if (last.isEmpty() || last.equals(".") || last.equals("..")) {
            throw new NoSuchFileException(inside);
        }
        int parentFd = openInRoot(rootFd, before, O_PATH | O_DIRECTORY);
        Errno.check(parentFd, "openat2", before);
        try {
            Path parent = nameOf(parentFd);
            byte[] target = new byte[4096];
            long length = libc.readlinkat(parentFd, CString.of(last), target, target.length);
            if (length < 0) {
                return parent.resolve(last);
            }
            String link = new String(target, 0, (int) length, StandardCharsets.UTF_8);
            String next = link.startsWith("/") ? link : "/" + realRoot.relativize(parent) + "/" + link;
            return resolve(rootFd, realRoot, next, links + 1);
        } finally {
            libc.close(parentFd);
        }
    }

    private int openRoot(Path root) throws IOException {
        return Errno.check(libc.open(CString.of(root), O_PATH | O_DIRECTORY | O_CLOEXEC, 0), "open", root);
    }

    /** openat2(2) with the caller as chrooted; -1 and errno where that fails. */
    private int openInRoot(int rootFd, String inside, int flags) {
        ByteBuffer how = ByteBuffer.allocate(24).order(ByteOrder.nativeOrder());
        how.putLong(flags | O_CLOEXEC).putLong(0).putLong(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
        // The kernel answers EAGAIN when a rename elsewhere raced with "..", and asks to try again.
        for (int tries = 0; ; tries++) {
            String path = inside.isEmpty() ? "/" : inside;
            int fd = (int) libc.syscall(LibC.SYS_OPENAT2, rootFd, CString.of(path), how.array(), 24L);
            if (fd >= 0 || LibC.errno() != Errno.EAGAIN || tries >= 100) {
                return fd;
            }
        }
    }

    private static Path nameOf(int fd) throws IOException {
        return Files.readSymbolicLink(fdPath(fd));
    }

    private static Path fdPath(int fd) {
        return Path.of("/proc/self/fd/" + fd);
    }

    private static byte[] read(int fd, String inside, int limit) throws IOException {
        try (InputStream in = Files.newInputStream(fdPath(fd))) {
            byte[] bytes = in.readNBytes(limit + 1);
            if (bytes.length > limit) {
                throw new FileSystemException(inside, null, "larger than " + limit + " bytes");
            }
            return bytes;
        }
    }

    private void withDirectory(Path directory, FdCall call, String name) throws IOException {
        int fd = Errno.check(
                libc.open(CString.of(directory), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0),
                "open",
                directory);
        try {
            Errno.check(call.on(fd), name, directory);
        } finally {
            libc.close(fd);
        }
    }

    /** makedev(3). */
    static long device(int major, int minor) {
        long high = major & 0xffffffffL;
        long low = minor & 0xffffffffL;
        return (low & 0xff) | ((high & 0xfff) << 8) | ((low & ~0xffL) << 12) | ((high & ~0xfffL) << 32);
    }

    /** Calls with ever more room until the answer fits. */
    private static byte[] grown(Fill fill, String call, Path path) throws IOException {
        for (int room = SMALL; ; room *= 4) {
            byte[] into = new byte[room];
            long length = fill.into(into);
            if (length >= 0) {
                return Arrays.copyOf(into, (int) length);
            }
            int errno = LibC.errno();
            if (errno == Errno.EOPNOTSUPP) {
                return new byte[0];
            }
            if (errno != Errno.ERANGE || room > 1 << 20) {
                throw Errno.exception(errno, call, path);
            }
        }
    }

    private interface Fill {
        long into(byte[] room);
    }

    private interface FdCall {
        int on(int fd);
    }
}
