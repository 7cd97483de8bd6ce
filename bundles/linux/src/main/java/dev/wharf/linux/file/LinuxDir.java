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
import static dev.wharf.linux.libc.LibC.RESOLVE_IN_ROOT;
import static dev.wharf.linux.libc.LibC.RESOLVE_NO_MAGICLINKS;

import dev.wharf.linux.libc.Errno;
import dev.wharf.linux.libc.LibC;
import dev.wharf.linux.libc.MountPoints;
import dev.wharf.oci.layer.Dir;
import dev.wharf.oci.layer.Names;
import dev.wharf.oci.layer.Node;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * One descriptor of a directory, and the calls that take it. Names are bytes to the kernel: Java's own paths would need a
 * locale that has them. Extended attributes have no call that takes a descriptor and a name, so they go through
 * /proc/self/fd.
 */
final class LinuxDir implements Dir {
    private static final byte[] SELF = {'.', 0};
    private static final byte[] NO_NAME = {0};
    private static final int DT_UNKNOWN = 0;
    private static final int BUFFER = 256 * 1024;
    private static final int SYNC_FILE_RANGE_WRITE = 2;
    /** A file of so many bytes is worth a call of its own to begin writing it to disk. */
    private static final long LARGE = 64 * 1024;

    /** What a write copies into, once per thread: native calls take memory outside of the heap. */
    private static final ThreadLocal<ByteBuffer> TRANSFER =
            ThreadLocal.withInitial(() -> ByteBuffer.allocateDirect(BUFFER));

    private final LibC libc = LibC.get();
    private final int fd;
    private boolean closed;

    LinuxDir(int fd) {
        this.fd = fd;
    }

    @Override
    public Dir again() throws IOException {
        return new LinuxDir(check(libc.openat(fd, SELF, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0), "open", "."));
    }

    @Override
    public Dir resolve(String inside) throws IOException {
        ByteBuffer how = ByteBuffer.allocate(24).order(ByteOrder.nativeOrder());
        how.putLong(O_RDONLY | O_DIRECTORY | O_CLOEXEC).putLong(0).putLong(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
        byte[] path = terminated(inside);
        // The kernel answers EAGAIN when a rename elsewhere raced with "..", and asks to try again.
        for (int tries = 0; ; tries++) {
            int opened = (int) libc.syscall(LibC.SYS_OPENAT2, fd, path, how.array(), 24L);
            if (opened >= 0 || LibC.errno() != Errno.EAGAIN || tries >= 100) {
                return new LinuxDir(check(opened, "openat2", inside));
            }
        }
    }

    @Override
    public Dir enter(String name) throws IOException {
        return new LinuxDir(check(
                libc.openat(fd, component(name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0), "open", name));
    }

    @Override
    public String path() throws IOException {
        return readLink(AT_FDCWD, terminated("/proc/self/fd/" + fd), "descriptor");
    }

    @Override
    public Optional<Node> look(String name) throws IOException {
        byte[] raw = new byte[256];
        if (libc.statx(fd, component(name), AT_SYMLINK_NOFOLLOW, LibC.STATX_BASIC_STATS, raw) < 0) {
            if (LibC.errno() == Errno.ENOENT) {
                return Optional.empty();
            }
            throw Errno.failed("statx", Names.show(name));
        }
        return Optional.of(node(raw));
    }

    /** statx(2), whose structure is the same on every architecture. */
    private static Node node(byte[] raw) {
        ByteBuffer stat = ByteBuffer.wrap(raw).order(ByteOrder.nativeOrder());
        return new Node(
                LinuxFileCalls.device(stat.getInt(0x88), stat.getInt(0x8c)),
                stat.getLong(0x20),
                Short.toUnsignedInt(stat.getShort(0x1c)),
                Integer.toUnsignedLong(stat.getInt(0x10)),
                Integer.toUnsignedLong(stat.getInt(0x14)),
                Integer.toUnsignedLong(stat.getInt(0x18)),
                stat.getInt(0x80),
                stat.getInt(0x84),
                stat.getLong(0x28),
                stat.getLong(0x70),
                stat.getInt(0x78));
    }

    @Override
    public List<String> names() throws IOException {
        return list().stream()
                .map(TreeRemoval.Entry::terminated)
                .map(name -> Names.decode(name, 0, name.length - 1))
                .sorted(Names.BY_BYTES)
                .toList();
    }

    @Override
    public boolean namesAreTyped() throws IOException {
        return list().stream().noneMatch(entry -> entry.type() == DT_UNKNOWN);
    }

    /** Through a descriptor of its own, because reading a directory moves a position in it. */
    private List<TreeRemoval.Entry> list() throws IOException {
        int reading = check(libc.openat(fd, SELF, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0), "open", ".");
        try {
            ByteBuffer room = ByteBuffer.allocateDirect(32 * 1024).order(ByteOrder.nativeOrder());
            return TreeRemoval.list(libc, room, reading, Path.of("."));
        } finally {
            libc.close(reading);
        }
    }

    @Override
    public String readLink(String name) throws IOException {
        return readLink(fd, component(name), name);
    }

    private String readLink(int directory, byte[] name, String shown) throws IOException {
        byte[] target = new byte[4096];
        long length = libc.readlinkat(directory, name, target, target.length);
        if (length < 0) {
            throw Errno.failed("readlink", Names.show(shown));
        }
        return Names.decode(target, 0, (int) length);
    }

    @Override
    public Map<String, byte[]> xattrs(String name) throws IOException {
        byte[] file = throughProc(name);
        byte[] keys = grown(into -> libc.llistxattr(file, into, into.length), "llistxattr", name);
        Map<String, byte[]> found = new LinkedHashMap<>();
        for (int start = 0, end; start < keys.length; start = end + 1) {
            end = start;
            while (end < keys.length && keys[end] != 0) {
                end++;
            }
            String key = Names.decode(keys, start, end - start);
            byte[] terminated = terminated(key);
            found.put(
                    key, grown(into -> libc.lgetxattr(file, terminated, into, into.length), "lgetxattr " + key, name));
        }
        return found;
    }

    private static byte[] grown(Fill fill, String call, String name) throws IOException {
        for (int room = 256; ; room *= 4) {
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
                throw Errno.exception(errno, call, Names.show(name));
            }
        }
    }

    private interface Fill {
        long into(byte[] room);
    }

    @Override
    public InputStream read(String name) throws IOException {
        // Without waiting: between the look and this a FIFO may have come here.
        int file = check(
                libc.openat(fd, component(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0), "open", name);
        return new FileInput(file, name);
    }

    @Override
    public void makeDirectory(String name) throws IOException {
        check(libc.mkdirat(fd, component(name), 0700), "mkdir", name);
    }

    @Override
    public Output create(String name) throws IOException {
        return new FileOutput(openNew(name), name);
    }

    private int openNew(String name) throws IOException {
        int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
        return check(libc.openat(fd, component(name), flags, 0600), "create", name);
    }

    @Override
    public void symlink(String name, String target) throws IOException {
        check(libc.symlinkat(terminated(target), fd, component(name)), "symlink", name);
    }

    @Override
    public void link(String name, Dir from, String existing) throws IOException {
        int source = ((LinuxDir) from).fd;
        check(libc.linkat(source, component(existing), fd, component(name), 0), "link", name);
    }

    @Override
    public void makeNode(String name, int type, int major, int minor) throws IOException {
        long device = LinuxFileCalls.device(major, minor);
        check(libc.mknodat(fd, component(name), type | 0600, device), "mknod", name);
    }

    @Override
    public void chown(String name, long uid, long gid) throws IOException {
        // Ids are 32 bits without sign; the cast keeps the bits.
        check(libc.fchownat(fd, component(name), (int) uid, (int) gid, AT_SYMLINK_NOFOLLOW), "chown", name);
    }

    @Override
    public void chmod(String name, int mode) throws IOException {
        // Older kernels have no such call; there glibc opens the name first, so that nobody can swap a link in.
        check(libc.fchmodat(fd, component(name), mode & 07777, AT_SYMLINK_NOFOLLOW), "chmod", name);
    }

    @Override
    public void setTimes(String name, long modifiedSeconds, int modifiedNanos) throws IOException {
        long[] times = {modifiedSeconds, modifiedNanos, modifiedSeconds, modifiedNanos};
        check(libc.utimensat(fd, component(name), times, AT_SYMLINK_NOFOLLOW), "utimensat", name);
    }

    @Override
    public boolean setXattr(String name, String key, byte[] value) throws IOException {
        return kept(libc.lsetxattr(throughProc(name), terminated(key), value, value.length, 0), key, name);
    }

    private static boolean kept(int result, String key, String name) throws IOException {
        if (result >= 0) {
            return true;
        }
        if (LibC.errno() == Errno.EOPNOTSUPP) {
            return false;
        }
        throw Errno.failed("setxattr " + Names.show(key), Names.show(name));
    }

    @Override
    public void removeXattr(String name, String key) throws IOException {
        if (libc.lremovexattr(throughProc(name), terminated(key)) < 0 && LibC.errno() != Errno.ENODATA) {
            throw Errno.failed("lremovexattr " + Names.show(key), Names.show(name));
        }
    }

    @Override
    public void copyContent(String name, Dir to, String added) throws IOException {
        int source = check(
                libc.openat(fd, component(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0), "open", name);
        try {
            int target = ((LinuxDir) to).openNew(added);
            try {
                TreeCopy.bytes(libc, source, target, sizeOf(source, name), name);
            } finally {
                libc.close(target);
            }
        } finally {
            libc.close(source);
        }
    }

    private long sizeOf(int file, String name) throws IOException {
        byte[] raw = new byte[256];
        check(libc.statx(file, NO_NAME, AT_EMPTY_PATH, LibC.STATX_BASIC_STATS, raw), "statx", name);
        return node(raw).sizeBytes();
    }

    @Override
    public void remove(String name) throws IOException {
        // The kernel itself says so only of what is mounted in our own mount namespace, and takes others' mounts away.
        if (MountPoints.isOne(libc, fd, component(name), Names.show(name))) {
            throw new FileSystemException(
                    Names.show(name), null, Names.show(name) + " is a mount point: device or resource busy");
        }
        new TreeRemoval(libc).remove(fd, component(name), Path.of("."));
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            libc.close(fd);
        }
    }

    private static int check(int result, String call, String name) throws IOException {
        if (result < 0) {
            throw Errno.failed(call, Names.show(name));
        }
        return result;
    }

    private byte[] throughProc(String name) {
        return terminated("/proc/self/fd/" + fd + "/" + component(name, name));
    }

    private static byte[] component(String name) {
        return terminated(component(name, name));
    }

    private static String component(String name, String shown) {
        if (name.isEmpty() || name.equals("..") || name.indexOf('/') >= 0) {
            throw new IllegalArgumentException("\"" + Names.show(shown) + "\" is not one component");
        }
        return name;
    }

    private static byte[] terminated(String text) {
        byte[] bytes = Names.encode(text);
        for (byte b : bytes) {
            if (b == 0) {
                throw new IllegalArgumentException("a zero byte in \"" + Names.show(text) + "\"");
            }
        }
        return Arrays.copyOf(bytes, bytes.length + 1);
    }

    private static final class FileOutput implements Output {
        private final LibC libc = LibC.get();
        private final int fd;
        private final String name;
        private long position;
        private boolean endsInHole;
        private boolean closed;

        FileOutput(int fd, String name) {
            this.fd = fd;
            this.name = name;
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
            ByteBuffer transfer = TRANSFER.get();
            for (int done = 0; done < length; ) {
                int step = Math.min(length - done, transfer.capacity());
                transfer.clear().put(bytes, offset + done, step).flip();
                while (transfer.hasRemaining()) {
                    long written = libc.write(fd, transfer, transfer.remaining());
                    if (written < 0) {
                        if (LibC.errno() == Errno.EINTR) {
                            continue;
                        }
                        throw Errno.failed("write", Names.show(name));
                    }
                    transfer.position(transfer.position() + (int) written);
                }
                done += step;
            }
            position += length;
            endsInHole = length == 0 && endsInHole;
        }

        @Override
        public void skip(long length) throws IOException {
            position += length;
            if (libc.lseek(fd, position, 0) < 0) {
                throw Errno.failed("lseek", Names.show(name));
            }
            endsInHole = true;
        }

        @Override
        public void chown(long uid, long gid) throws IOException {
            check(libc.fchown(fd, (int) uid, (int) gid), "chown", name);
        }

        @Override
        public boolean setXattr(String key, byte[] value) throws IOException {
            return kept(libc.fsetxattr(fd, terminated(key), value, value.length, 0), key, name);
        }

        @Override
        public void chmod(int mode) throws IOException {
            check(libc.fchmod(fd, mode & 07777), "chmod", name);
        }

        @Override
        public void setTimes(long modifiedSeconds, int modifiedNanos) throws IOException {
            finish();
            long[] times = {modifiedSeconds, modifiedNanos, modifiedSeconds, modifiedNanos};
            check(libc.futimens(fd, times), "futimens", name);
        }

        private void finish() throws IOException {
            if (endsInHole) {
                endsInHole = false;
                check(libc.ftruncate(fd, position), "ftruncate", name);
            }
        }

        @Override
        public void close() throws IOException {
            if (closed) {
                return;
            }
            closed = true;
            try {
                finish();
                if (position >= LARGE) {
                    // The disk may begin now; a snapshot is forced there soon, and then has less to wait for.
                    libc.sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
                }
            } finally {
                check(libc.close(fd), "close", name);
            }
        }
    }

    private static final class FileInput extends InputStream {
        private final LibC libc = LibC.get();
        private final int fd;
        private final String name;
        private boolean closed;

        FileInput(int fd, String name) {
            this.fd = fd;
            this.name = name;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] into, int offset, int length) throws IOException {
            if (closed) {
                throw new NoSuchFileException(Names.show(name), null, "closed");
            }
            if (length == 0) {
                return 0;
            }
            ByteBuffer transfer = TRANSFER.get();
            transfer.clear().limit(Math.min(length, transfer.capacity()));
            long count;
            do {
                count = libc.read(fd, transfer, transfer.remaining());
            } while (count < 0 && LibC.errno() == Errno.EINTR);
            if (count < 0) {
                throw Errno.failed("read", Names.show(name));
            }
            transfer.get(0, into, offset, (int) count);
            return count == 0 ? -1 : (int) count;
        }

        @Override
        public void close() {
            if (!closed) {
                closed = true;
                libc.close(fd);
            }
        }
    }
}
