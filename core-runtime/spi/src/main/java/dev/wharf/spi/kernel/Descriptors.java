package dev.wharf.spi.kernel;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.function.Consumer;
import org.osgi.annotation.versioning.ProviderType;

/**
 * Raw file descriptors, for what Java has no channel for: pipes to hand to a child, packet sockets, readiness without a
 * thread. All are close-on-exec. Safe to use from any thread; who got a descriptor closes it, once.
 */
@ProviderType
public interface Descriptors {
    /** What {@link #read} and {@link #write} answer when a non-blocking descriptor has to wait. */
    int WOULD_BLOCK = -2;

    /** What {@link #read} answers at the end. */
    int END = -1;

    /** pipe2(2): {@code near} is read from, {@code far} is written to. */
    Pair pipe(boolean nonBlocking) throws IOException;

    /** Makes reads and writes of this end fail with {@link #WOULD_BLOCK} rather than wait; a pipe's other end stays as it is. */
    void nonBlocking(int descriptor) throws IOException;

    /** socketpair(2) of AF_UNIX; both ends are alike. */
    Pair socketPair(SocketType type, boolean nonBlocking) throws IOException;

    /**
     * Connects to a unix socket. A path longer than the 107 bytes that sun_path (unix(7)) can hold is reached through
     * /proc/self/fd.
     */
    int connect(Path socket, SocketType type, boolean nonBlocking) throws IOException;

    /** open(2) with {@code flags} in the kernel's numbers, O_CLOEXEC added; {@code mode} is for O_CREAT. */
    int open(Path path, int flags, int mode) throws IOException;

    /**
     * The content of a file in memory that nobody can change any more: memfd_create(2), with all the seals of fcntl(2), and
     * executable. An IOException where the kernel allows no such memory.
     */
    int seal(Path file) throws IOException;

    /**
     * A file in memory with this content, for whoever opens it below {@code /proc}: memfd_create(2). The name is for people
     * alone. An IOException where the kernel allows no such memory.
     */
    int memory(String name, byte[] content) throws IOException;

    /**
     * read(2) into the remaining bytes of {@code into}, moving its position. Answers with the number of bytes,
     * {@link #END} or {@link #WOULD_BLOCK}; of a packet socket, one packet.
     */
    int read(int descriptor, ByteBuffer into) throws IOException;

    /** write(2), without SIGPIPE, moving the position. Answers with the number of bytes or {@link #WOULD_BLOCK}. */
    int write(int descriptor, ByteBuffer from) throws IOException;

    /** shutdown(2) of a socket's writing side: the other end reads its end, answers still come. */
    void shutdownOutput(int descriptor) throws IOException;

    /** Sets a terminal's size and tells its foreground processes: TIOCSWINSZ of ioctl_tty(2), by either of its ends. */
    void windowSize(int descriptor, int rows, int columns) throws IOException;

    /** close(2). */
    void close(int descriptor);

    /**
     * Watches a non-blocking descriptor with epoll(7), level triggered. {@code ready} is called from the one thread of
     * {@link Processes#watch} and must return soon. Nothing is heard before {@link Readiness#want} asks for it. Close the
     * readiness before the descriptor.
     */
    Readiness watch(int descriptor, Ready ready) throws IOException;

    /**
     * Tells of the names that appear in a directory, made or moved there, with inotify(7); an empty name means that some may
     * have been missed. {@code appeared} is called from the thread of {@link Processes#watch} and must return soon.
     */
    Processes.Watch watchNames(Path directory, Consumer<String> appeared) throws IOException;

    /** Two descriptors that belong together. */
    record Pair(int near, int far) {}

    /** Kinds of sockets, socket(2). */
    enum SocketType {
        STREAM,
        DATAGRAM,
        SEQPACKET
    }

    /** An interest in a descriptor. */
    interface Readiness extends AutoCloseable {
        /** Says which of the two is wanted from now on; neither is allowed, and then nothing is heard. */
        void want(boolean readable, boolean writable) throws IOException;

        @Override
        void close();
    }

    /** Hears of readiness. A hang-up or an error counts as both: the next read or write tells which. */
    interface Ready {
        void ready(boolean readable, boolean writable);
    }
}
