package dev.wharf.linux.process;

import static dev.wharf.linux.libc.LibC.O_CLOEXEC;
import static dev.wharf.linux.libc.LibC.O_DIRECTORY;
import static dev.wharf.linux.libc.LibC.O_NONBLOCK;
import static dev.wharf.linux.libc.LibC.O_PATH;

import dev.wharf.linux.libc.CString;
import dev.wharf.linux.libc.Errno;
import dev.wharf.linux.libc.LibC;
import dev.wharf.spi.kernel.Descriptors;
import dev.wharf.spi.kernel.Processes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;

/** Raw descriptors through the C library. */
@Component(service = Descriptors.class)
public final class LinuxDescriptors implements Descriptors {
    private static final int AF_UNIX = 1;
    private static final int SOL_SOCKET = 1;
    private static final int SO_SNDTIMEO = 21;
    private static final int F_SETFL = 4;
    private static final long TIOCSWINSZ = 0x5414;
    private static final int F_ADD_SEALS = 1033;
    private static final int ALL_SEALS = 0xf;
    private static final int MFD_CLOEXEC = 1;
    private static final int MFD_ALLOW_SEALING = 2;
    private static final int MFD_NOEXEC_SEAL = 8;
    private static final int MFD_EXEC = 0x10;
    private static final int SHUT_WR = 1;
    private static final int LONGEST_SOCKET_PATH = 107;
    private static final int CHUNK = 64 * 1024;
    /** A listener whose backlog is full for longer than this is as good as gone. */
    private static final int CONNECT_SECONDS = 5;

    private final LibC libc = LibC.get();
    private final Epoll epoll;
    private final Inotify names;

    @Activate
    public LinuxDescriptors(@Reference Epoll epoll) {
        this.epoll = epoll;
        this.names = new Inotify(epoll);
    }

    @Override
    public Pair pipe(boolean nonBlocking) throws IOException {
        int[] ends = new int[2];
        Errno.check(libc.pipe2(ends, O_CLOEXEC | (nonBlocking ? O_NONBLOCK : 0)), "pipe2", "pipe");
        return new Pair(ends[0], ends[1]);
    }

    @Override
    public void nonBlocking(int descriptor) throws IOException {
        Errno.check(libc.fcntl(descriptor, F_SETFL, O_NONBLOCK), "fcntl", "descriptor " + descriptor);
    }

    @Override
    public Pair socketPair(SocketType type, boolean nonBlocking) throws IOException {
        int[] ends = new int[2];
        Errno.check(libc.socketpair(AF_UNIX, number(type, nonBlocking), 0, ends), "socketpair", "socket");
        return new Pair(ends[0], ends[1]);
    }

    @Override
    public int connect(Path socket, SocketType type, boolean nonBlocking) throws IOException {
        byte[] path = CString.of(socket);
        int parent = -1;
        if (path.length - 1 > LONGEST_SOCKET_PATH) {
            Path directory = socket.toAbsolutePath().getParent();
            Path name = socket.getFileName();
            if (directory == null || name == null) {
                throw new FileSystemException(socket.toString(), null, "is no socket");
            }
            parent = Errno.check(
                    libc.open(CString.of(directory), O_PATH | O_DIRECTORY | O_CLOEXEC, 0), "open", directory);
            path = CString.of(Path.of("/proc/self/fd/" + parent).resolve(name));
        }
        try {
            return connect(path, socket, type, nonBlocking);
        } finally {
            if (parent >= 0) {
                libc.close(parent);
            }
        }
    }

    private int connect(byte[] path, Path socket, SocketType type, boolean nonBlocking) throws IOException {
        if (path.length - 1 > LONGEST_SOCKET_PATH) {
            throw new FileSystemException(socket.toString(), null, "the socket's name is too long");
        }
        int fd = Errno.check(libc.socket(AF_UNIX, number(type, false), 0), "socket", socket);
        try {
            // A non-blocking connect would fail at once while the backlog is full, a plain one might wait for ever.
            timeout(fd, CONNECT_SECONDS);
            ByteBuffer address = ByteBuffer.allocate(110).order(ByteOrder.nativeOrder());
            address.putShort((short) AF_UNIX).put(path);
            int result;
            do {
                result = libc.connect(fd, address.array(), 2 + path.length);
            } while (result < 0 && LibC.errno() == Errno.EINTR);
            Errno.check(result, "connect", socket);
            timeout(fd, 0);
            Errno.check(libc.fcntl(fd, F_SETFL, nonBlocking ? O_NONBLOCK : 0), "fcntl", socket);
            return fd;
        } catch (IOException e) {
            libc.close(fd);
            throw e;
        }
    }

    @Override
    public int open(Path path, int flags, int mode) throws IOException {
        return Errno.check(libc.open(CString.of(path), flags | O_CLOEXEC, mode), "open", path);
    }

    @Override
    public int seal(Path file) throws IOException {
        int fd = memory(String.valueOf(file.getFileName()), MFD_ALLOW_SEALING, MFD_EXEC, Files.readAllBytes(file));
        try {
            Errno.check(libc.fcntl(fd, F_ADD_SEALS, ALL_SEALS), "fcntl F_ADD_SEALS", file);
            return fd;
        } catch (IOException e) {
            libc.close(fd);
            throw e;
        }
    }

    @Override
    public int memory(String name, byte[] content) throws IOException {
        return memory(name, 0, MFD_NOEXEC_SEAL, content);
    }

    private int memory(String name, int flags, int execution, byte[] content) throws IOException {
        byte[] label = CString.of(name);
        int fd = libc.memfd_create(label, MFD_CLOEXEC | flags | execution);
        if (fd < 0 && LibC.errno() == Errno.EINVAL) {
            // Before Linux 6.3 every such memory could be executed, and neither flag was known.
            fd = libc.memfd_create(label, MFD_CLOEXEC | flags);
        }
        Errno.check(fd, "memfd_create", name);
        try {
            ByteBuffer rest = ByteBuffer.allocateDirect(content.length).put(content);
            rest.flip();
            while (rest.hasRemaining()) {
                write(fd, rest);
            }
            return fd;
        } catch (IOException e) {
            libc.close(fd);
            throw e;
        }
    }

    @Override
    public int read(int descriptor, ByteBuffer into) throws IOException {
        if (!into.hasRemaining()) {
            return 0;
        }
        ByteBuffer room = into.isDirect() ? into : ByteBuffer.allocateDirect(Math.min(CHUNK, into.remaining()));
        long count;
        do {
            count = libc.read(descriptor, room, room.remaining());
        } while (count < 0 && LibC.errno() == Errno.EINTR);
        if (count < 0) {
            return wouldBlock("read", descriptor);
        }
        if (count == 0) {
            return END;
        }
        if (into.isDirect()) {
            into.position(into.position() + (int) count);
        } else {
            into.put(room.limit((int) count));
        }
        return (int) count;
    }

    @Override
    public int write(int descriptor, ByteBuffer from) throws IOException {
        if (!from.hasRemaining()) {
            return 0;
        }
        ByteBuffer bytes = from;
        if (!from.isDirect()) {
            int size = Math.min(CHUNK, from.remaining());
            bytes = ByteBuffer.allocateDirect(size);
            bytes.put(0, from, from.position(), size);
        }
        long count;
        do {
            count = libc.write(descriptor, bytes, bytes.remaining());
        } while (count < 0 && LibC.errno() == Errno.EINTR);
        if (count < 0) {
            return wouldBlock("write", descriptor);
        }
        from.position(from.position() + (int) count);
        return (int) count;
    }

    @Override
    public void shutdownOutput(int descriptor) throws IOException {
        Errno.check(libc.shutdown(descriptor, SHUT_WR), "shutdown", "descriptor " + descriptor);
    }

    @Override
    public void windowSize(int descriptor, int rows, int columns) throws IOException {
        // struct winsize: rows, columns and two that nobody uses.
        byte[] size = ByteBuffer.allocate(8)
                .order(ByteOrder.nativeOrder())
                .putShort((short) rows)
                .putShort((short) columns)
                .array();
        Errno.check(libc.ioctl(descriptor, TIOCSWINSZ, size), "ioctl TIOCSWINSZ", "descriptor " + descriptor);
    }

    @Override
    public void close(int descriptor) {
        libc.close(descriptor);
    }

    @Override
    public Readiness watch(int descriptor, Ready ready) throws IOException {
        return new DescriptorWatch(descriptor, ready);
    }

    @Override
    public Processes.Watch watchNames(Path directory, Consumer<String> appeared) throws IOException {
        return names.watch(directory, appeared);
    }

    /** Not called close: of two methods with one name SCR takes the one with an int, and gives it the reason (112.5.8). */
    @Deactivate
    void stop() {
        names.close();
    }

    private static int wouldBlock(String call, int descriptor) throws IOException {
        if (LibC.errno() == Errno.EAGAIN) {
            return WOULD_BLOCK;
        }
        throw Errno.failed(call, "descriptor " + descriptor);
    }

    private void timeout(int fd, int seconds) throws IOException {
        // struct timeval of two longs, here as four little halves
        int[] value = {seconds, 0, 0, 0};
        Errno.check(libc.setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, value, 16), "setsockopt", "socket");
    }

    private static int number(SocketType type, boolean nonBlocking) {
        int number = switch (type) {
            case STREAM -> 1;
            case DATAGRAM -> 2;
            case SEQPACKET -> 5;
        };
        return number | O_CLOEXEC | (nonBlocking ? O_NONBLOCK : 0);
    }

    /**
     * Is in the epoll set only while something is wanted: a hang-up is reported even to those who asked for nothing, and
     * would turn the loop round and round.
     */
    private final class DescriptorWatch implements Readiness, Epoll.Handler {
        private final int descriptor;
        private final Ready ready;
        private Epoll.@Nullable Registration registration;
        private int interest;
        private boolean closed;

        DescriptorWatch(int descriptor, Ready ready) {
            this.descriptor = descriptor;
            this.ready = ready;
        }

        @Override
        public synchronized void want(boolean readable, boolean writable) throws IOException {
            int wanted = (readable ? Epoll.IN : 0) | (writable ? Epoll.OUT : 0);
            if (closed || wanted == interest) {
                return;
            }
            Epoll.Registration current = registration;
            if (wanted == 0 && current != null) {
                current.close();
                registration = null;
            } else if (current == null) {
                registration = epoll.add(descriptor, wanted, this);
            } else {
                current.interest(wanted);
            }
            interest = wanted;
        }

        @Override
        public void ready(int events) {
            boolean both = (events & Epoll.ERROR_OR_HANG_UP) != 0;
            boolean readable;
            boolean writable;
            synchronized (this) {
                readable = (interest & Epoll.IN) != 0 && (both || (events & Epoll.IN) != 0);
                writable = (interest & Epoll.OUT) != 0 && (both || (events & Epoll.OUT) != 0);
            }
            if (readable || writable) {
                ready.ready(readable, writable);
            }
        }

        @Override
        public synchronized void close() {
            closed = true;
            if (registration != null) {
                registration.close();
                registration = null;
            }
        }
    }
}
