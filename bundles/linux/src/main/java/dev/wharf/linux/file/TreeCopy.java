package dev.wharf.linux.file;

import static dev.wharf.linux.libc.LibC.AT_EMPTY_PATH;
import static dev.wharf.linux.libc.LibC.AT_FDCWD;
import static dev.wharf.linux.libc.LibC.AT_SYMLINK_NOFOLLOW;
import static dev.wharf.linux.libc.LibC.O_CLOEXEC;
import static dev.wharf.linux.libc.LibC.O_CREAT;
import static dev.wharf.linux.libc.LibC.O_DIRECTORY;
import static dev.wharf.linux.libc.LibC.O_EXCL;
import static dev.wharf.linux.libc.LibC.O_NOFOLLOW;
import static dev.wharf.linux.libc.LibC.O_NONBLOCK;
import static dev.wharf.linux.libc.LibC.O_RDONLY;
import static dev.wharf.linux.libc.LibC.O_WRONLY;

import dev.wharf.linux.libc.CString;
import dev.wharf.linux.libc.Errno;
import dev.wharf.linux.libc.LibC;
import dev.wharf.spi.kernel.FileCalls.Stat;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Copies a tree with owners, modes, times, links, holes and extended attributes. Every name is looked up in its parent's
 * descriptor and never followed, so a hostile tree leads nowhere else. One copy per instance.
 */
public final class TreeCopy {
    /** Two descriptors are held per level. No path that a program could name is deeper than this. */
    private static final int DEEPEST = 2048;

    private static final int SEEK_SET = 0;
    private static final int SEEK_DATA = 3;
    private static final int SEEK_HOLE = 4;
    private static final int ENXIO = 6;
    private static final long CHUNK = 1 << 30;

    private final LibC libc = LibC.get();
    private final LinuxFileCalls files;
    private final ByteBuffer entries = ByteBuffer.allocateDirect(32 * 1024).order(ByteOrder.nativeOrder());
    /** Where the first name of a file with several names went. */
    private final Map<List<Long>, byte[]> linked = new HashMap<>();

    public TreeCopy(LinuxFileCalls files) {
        this.files = files;
    }

    /** Copies what is in {@code from} into {@code to}, and the attributes of {@code from} itself. Both are there. */
    public void copy(Path from, Path to) throws IOException {
        int source = openDirectory(AT_FDCWD, CString.of(from), from);
        try {
            int target = openDirectory(AT_FDCWD, CString.of(to), to);
            try {
                content(source, target, target, new byte[0], 0, from);
                attributes(source, target, from);
            } finally {
                libc.close(target);
            }
        } finally {
            libc.close(source);
        }
    }

    /** Copies the attributes of one directory to another. */
    public void copyAttributes(Path from, Path to) throws IOException {
        int source = openDirectory(AT_FDCWD, CString.of(from), from);
        try {
            int target = openDirectory(AT_FDCWD, CString.of(to), to);
            try {
                attributes(source, target, from);
            } finally {
                libc.close(target);
            }
        } finally {
            libc.close(source);
        }
    }

    private void content(int from, int top, int to, byte[] inside, int depth, Path name) throws IOException {
        if (depth > DEEPEST) {
            throw new FileSystemException(name.toString(), null, "too many levels of directories");
        }
        for (TreeRemoval.Entry entry : TreeRemoval.list(libc, entries, from, name)) {
            copyEntry(from, top, to, entry.terminated(), inside, depth, name);
        }
    }

    private void copyEntry(int from, int top, int to, byte[] name, byte[] inside, int depth, Path parent)
            throws IOException {
        Path shown = parent.resolve(CString.text(name));
        Stat stat = files.stat(from, name, AT_SYMLINK_NOFOLLOW, shown);
        byte[] source = at(from, name);
        byte[] target = at(to, name);
        byte[] path = join(inside, name);
        List<Long> identity = List.of(stat.device(), stat.inode());
        if (!stat.isDirectory() && stat.links() > 1) {
            byte[] first = linked.putIfAbsent(identity, path);
            if (first != null) {
                Errno.check(libc.linkat(top, first, to, name, 0), "link", shown);
                return;
            }
        }
        if (stat.isDirectory()) {
            directory(from, top, to, name, path, depth, shown);
            return;
        }
        if (stat.isRegular()) {
            regular(from, to, name, shown);
        } else if (stat.isSymbolicLink()) {
            Errno.check(libc.symlink(linkTarget(from, name, shown), target), "symlink", shown);
        } else {
            long device = LinuxFileCalls.device(stat.rdevMajor(), stat.rdevMinor());
            Errno.check(libc.mknod(target, stat.mode(), device), "mknod", shown);
        }
        attributes(source, target, stat, shown);
    }

    private void directory(int from, int top, int to, byte[] name, byte[] path, int depth, Path shown)
            throws IOException {
        int source = openDirectory(from, name, shown);
        try {
            Errno.check(libc.mkdirat(to, name, 0700), "mkdir", shown);
            int target = openDirectory(to, name, shown);
            try {
                content(source, top, target, path, depth + 1, shown);
                // Last, because a file that comes in changes the directory's time.
                attributes(source, target, shown);
            } finally {
                libc.close(target);
            }
        } finally {
            libc.close(source);
        }
    }

    private void regular(int from, int to, byte[] name, Path shown) throws IOException {
        int source =
                Errno.check(libc.openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0), "open", shown);
        try {
            int target = Errno.check(
                    libc.openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600), "create", shown);
            try {
                long size =
                        files.stat(source, CString.of(""), AT_EMPTY_PATH, shown).sizeBytes();
                bytes(libc, source, target, size, shown);
            } finally {
                libc.close(target);
            }
        } finally {
            libc.close(source);
        }
    }

    /** Copies data and leaves holes, so that a sparse file of a terabyte takes no terabyte. */
    static void bytes(LibC libc, int source, int target, long size, Object shown) throws IOException {
        for (long at = 0; at < size; ) {
            long data = libc.lseek(source, at, SEEK_DATA);
            if (data < 0) {
                if (LibC.errno() == ENXIO) {
                    break;
                }
                throw Errno.failed("lseek", shown);
            }
            long end = Errno.check(libc.lseek(source, data, SEEK_HOLE), "lseek", shown);
            Errno.check(libc.lseek(source, data, SEEK_SET), "lseek", shown);
            Errno.check(libc.lseek(target, data, SEEK_SET), "lseek", shown);
            for (long left = end - data; left > 0; ) {
                long count = Errno.check(libc.sendfile(target, source, null, Math.min(left, CHUNK)), "sendfile", shown);
                if (count == 0) {
                    break;
                }
                left -= count;
            }
            at = end;
        }
        Errno.check(libc.ftruncate(target, size), "ftruncate", shown);
    }

    private void attributes(int source, int target, Path shown) throws IOException {
        Stat stat = files.stat(source, CString.of(""), AT_EMPTY_PATH, shown);
        // With the dot the name is the directory itself and not the link in /proc.
        attributes(at(source, CString.of(".")), at(target, CString.of(".")), stat, shown);
    }

    /** In this order: chown(2) takes setuid bits and capabilities away, and every change sets times. */
    private void attributes(byte[] source, byte[] target, Stat stat, Path shown) throws IOException {
        Errno.check(libc.lchown(target, (int) stat.uid(), (int) stat.gid()), "lchown", shown);
        if (!stat.isSymbolicLink()) {
            Errno.check(libc.chmod(target, stat.mode() & 07777), "chmod", shown);
        }
        for (Map.Entry<String, byte[]> xattr : files.xattrs(source, shown).entrySet()) {
            // An overlay's own notes mean nothing outside of it.
            if (!xattr.getKey().startsWith("trusted.overlay.")) {
                byte[] value = xattr.getValue();
                int result = libc.lsetxattr(target, CString.of(xattr.getKey()), value, value.length, 0);
                if (result < 0 && LibC.errno() != Errno.EOPNOTSUPP) {
                    throw Errno.failed("lsetxattr " + xattr.getKey(), shown);
                }
            }
        }
        long[] times = {stat.modifiedSeconds(), stat.modifiedNanos(), stat.modifiedSeconds(), stat.modifiedNanos()};
        Errno.check(libc.utimensat(AT_FDCWD, target, times, AT_SYMLINK_NOFOLLOW), "utimensat", shown);
    }

    private byte[] linkTarget(int directory, byte[] name, Path shown) throws IOException {
        byte[] target = new byte[4097];
        long length = Errno.check(libc.readlinkat(directory, name, target, 4096), "readlink", shown);
        // What lies behind the answer is not ours: jnr hands in memory that nobody cleared.
        return Arrays.copyOf(Arrays.copyOf(target, (int) length), (int) length + 1);
    }

    private int openDirectory(int directory, byte[] name, Path shown) throws IOException {
        return Errno.check(
                libc.openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0), "open", shown);
    }

    /** A path that begins at a descriptor: nobody can swap the directories it goes through. */
    private static byte[] at(int directory, byte[] name) {
        byte[] prefix = ("/proc/self/fd/" + directory + "/").getBytes(StandardCharsets.US_ASCII);
        byte[] path = Arrays.copyOf(prefix, prefix.length + name.length);
        System.arraycopy(name, 0, path, prefix.length, name.length);
        return path;
    }

    private static byte[] join(byte[] inside, byte[] name) {
        if (inside.length == 0) {
            return name;
        }
        byte[] path = Arrays.copyOf(inside, inside.length + name.length);
        path[inside.length - 1] = '/';
        System.arraycopy(name, 0, path, inside.length, name.length);
        return path;
    }
}
