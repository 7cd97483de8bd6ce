package dev.wharf.linux.file;

import static dev.wharf.linux.libc.LibC.AT_FDCWD;
import static dev.wharf.linux.libc.LibC.AT_REMOVEDIR;
import static dev.wharf.linux.libc.LibC.O_CLOEXEC;
import static dev.wharf.linux.libc.LibC.O_DIRECTORY;
import static dev.wharf.linux.libc.LibC.O_NOFOLLOW;
import static dev.wharf.linux.libc.LibC.O_RDONLY;
import static dev.wharf.linux.libc.LibC.RESOLVE_NO_SYMLINKS;
import static dev.wharf.linux.libc.LibC.RESOLVE_NO_XDEV;

import dev.wharf.linux.libc.CString;
import dev.wharf.linux.libc.Errno;
import dev.wharf.linux.libc.LibC;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Removes one tree. Every name is looked up in its parent's descriptor, so nobody who renames or replaces directories
 * meanwhile can lead it elsewhere, and a mount inside stops it.
 */
final class TreeRemoval {
    private static final int DT_DIR = 4;
    private static final int DT_UNKNOWN = 0;
    /** One descriptor is held per level; what lies deeper is moved up first, so no depth is too deep. */
    private static final int DEEPEST = 64;

    private final LibC libc;
    private final ByteBuffer entries = ByteBuffer.allocateDirect(32 * 1024).order(ByteOrder.nativeOrder());
    private int moved;

    TreeRemoval(LibC libc) {
        this.libc = libc;
    }

    void remove(Path path) throws IOException {
        remove(AT_FDCWD, CString.of(path), path);
    }

    /** Removes what is at {@code name} in {@code directory}; {@code path} is for messages. */
    void remove(int directory, byte[] name, Path path) throws IOException {
        if (libc.unlinkat(directory, name, 0) == 0) {
            return;
        }
        int errno = LibC.errno();
        if (errno == Errno.ENOENT) {
            return;
        }
        // POSIX says EPERM for a directory and Linux says EISDIR; on a file EPERM is what it says.
        int fd = libc.openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
        if (fd < 0) {
            throw Errno.exception(errno, "unlink", path);
        }
        try {
            empty(fd, fd, 0, path);
        } finally {
            libc.close(fd);
        }
        if (libc.unlinkat(directory, name, AT_REMOVEDIR) < 0 && LibC.errno() != Errno.ENOENT) {
            throw Errno.failed("rmdir", path);
        }
    }

    private void empty(int top, int directory, int depth, Path name) throws IOException {
        // A directory may be read on while entries go away, but one that somebody else fills is read anew.
        for (int rounds = 0; rounds < 100; rounds++) {
            List<Entry> found = list(libc, entries, directory, name);
            if (found.isEmpty()) {
                return;
            }
            for (Entry entry : found) {
                remove(top, directory, depth, entry, name);
            }
            Errno.check(seekToStart(directory), "lseek", name);
        }
        throw new DirectoryNotEmptyException(name.toString());
    }

    private void remove(int top, int directory, int depth, Entry entry, Path parent) throws IOException {
        if (entry.type != DT_DIR) {
            if (libc.unlinkat(directory, entry.name, 0) == 0) {
                return;
            }
            int errno = LibC.errno();
            if (errno == Errno.ENOENT) {
                return;
            }
            boolean perhapsDirectory = errno == Errno.EISDIR || (errno == Errno.EPERM && entry.type == DT_UNKNOWN);
            if (!perhapsDirectory) {
                throw Errno.exception(errno, "unlink", entry.in(parent));
            }
        }
        if (depth >= DEEPEST) {
            moveUp(top, directory, entry, parent);
            return;
        }
        int fd = openBeneath(directory, entry.name);
        if (fd < 0) {
            int errno = LibC.errno();
            if (errno == Errno.EXDEV) {
                throw new FileSystemException(entry.in(parent), null, "a file system is mounted here");
            }
            if (errno == Errno.ENOENT) {
                return;
            }
            throw Errno.exception(errno, "open", entry.in(parent));
        }
        try {
            empty(top, fd, depth + 1, parent.resolve(entry.text()));
        } finally {
            libc.close(fd);
        }
        if (libc.unlinkat(directory, entry.name, AT_REMOVEDIR) < 0 && LibC.errno() != Errno.ENOENT) {
            throw Errno.failed("rmdir", entry.in(parent));
        }
    }

    /** The top directory is listed again after this, and finds it there. */
    private void moveUp(int top, int directory, Entry entry, Path parent) throws IOException {
        byte[] name = CString.of(".wharf-removing-" + ProcessHandle.current().pid() + "-" + moved++);
        Errno.check(libc.renameat2(directory, entry.name, top, name, 0), "rename", entry.in(parent));
    }

    /** Every entry of a directory but the two dots, from where its descriptor stands. */
    static List<Entry> list(LibC libc, ByteBuffer entries, int directory, Path name) throws IOException {
        List<Entry> found = new ArrayList<>();
        for (; ; ) {
            entries.clear();
            long length = Errno.check(libc.getdents64(directory, entries, entries.capacity()), "getdents64", name);
            if (length == 0) {
                return found;
            }
            // struct linux_dirent64: inode 8, offset 8, record length 2, type 1, name with its zero
            for (int at = 0; at < length; ) {
                int size = Short.toUnsignedInt(entries.getShort(at + 16));
                byte[] entry = new byte[size - 19];
                entries.get(at + 19, entry);
                if (!isDots(entry)) {
                    found.add(new Entry(entry, entries.get(at + 18)));
                }
                at += size;
            }
        }
    }

    private static boolean isDots(byte[] name) {
        return name[0] == '.' && (name[1] == 0 || (name[1] == '.' && name[2] == 0));
    }

    /** RESOLVE_NO_XDEV also stops at a bind mount of the same file system, which the device number does not show. */
    private int openBeneath(int directory, byte[] name) {
        ByteBuffer how = ByteBuffer.allocate(24).order(ByteOrder.nativeOrder());
        how.putLong(O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                .putLong(0)
                .putLong(RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS);
        return (int) libc.syscall(LibC.SYS_OPENAT2, directory, name, how.array(), 24L);
    }

    private int seekToStart(int fd) {
        return libc.lseek(fd, 0, 0) < 0 ? -1 : 0;
    }

    /** {@code name} ends with a zero and may have more bytes behind it. */
    record Entry(byte[] name, byte type) {
        /** The name with its one zero. */
        byte[] terminated() {
            int end = 0;
            while (name[end] != 0) {
                end++;
            }
            return Arrays.copyOf(name, end + 1);
        }

        String text() {
            return CString.text(name);
        }

        String in(Path parent) {
            return parent.resolve(text()).toString();
        }
    }
}
