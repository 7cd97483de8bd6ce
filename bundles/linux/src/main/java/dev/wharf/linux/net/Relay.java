package dev.wharf.linux.net;

import dev.wharf.linux.libc.Errno;
import dev.wharf.linux.libc.LibC;
import dev.wharf.linux.process.Epoll;
import dev.wharf.linux.process.LinuxDescriptors;
import dev.wharf.spi.kernel.Descriptors.Readiness;
import dev.wharf.spi.kernel.Descriptors.Ready;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * Carries what comes to sockets of this host to somewhere else, where the kernel's own translation cannot. It has a thread of its
 * own, so that bulk data holds up nobody else, and all sockets of it live there.
 */
final class Relay implements AutoCloseable {
    static final int SOCK_STREAM = 1;
    static final int SOCK_DGRAM = 2;

    /** So many things are done for one socket before the next one's turn comes. */
    static final int AT_ONCE = 64;

    /** Where there are no more descriptors, whoever else has them is waited for this long. */
    private static final int PAUSE_MILLIS = 100;

    private static final int BACKLOG = 4096;

    /** No datagram is larger. */
    private static final int LARGEST = 64 * 1024;

    final LibC libc = LibC.get();

    /** Where the one is that is carried just now. Of the relay's thread alone. */
    final ByteBuffer datagram = ByteBuffer.allocateDirect(LARGEST);

    private final HomeNetwork home;
    private final Epoll epoll = new Epoll("wharf-relay");
    private final LinuxDescriptors descriptors = new LinuxDescriptors(epoll);

    Relay(HomeNetwork home) {
        this.home = home;
    }

    /**
     * Takes what comes to a socket that is bound, which is the relay's from here on unless this fails, until what is given back
     * is closed. EADDRINUSE where a program listens by now.
     */
    AutoCloseable carry(int socket, boolean datagrams, Address to, int port) throws IOException {
        descriptors.nonBlocking(socket);
        if (!datagrams) {
            Errno.check(libc.listen(socket, BACKLOG), "listen", "port");
        }
        Carrier carrier =
                datagrams ? new DatagramRelay(this, socket, to, port) : new StreamRelay(this, socket, to, port);
        carrier.begin();
        return carrier;
    }

    /** A socket of this host's network that is connected to the target, or will be. */
    int connected(int family, int type, byte[] target) throws IOException {
        int socket = made(family, type | LibC.O_CLOEXEC | LibC.O_NONBLOCK);
        if (libc.connect(socket, target, target.length) < 0 && LibC.errno() != Errno.EINPROGRESS) {
            IOException failure = Errno.failed("connect", "target");
            libc.close(socket);
            throw failure;
        }
        return socket;
    }

    private int made(int family, int type) throws IOException {
        try {
            return home.call(() -> Errno.check(libc.socket(family, type, 0), "socket", "target"));
        } catch (IOException | RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IOException("no socket: " + e.getMessage(), e);
        }
    }

    /** Tells of readiness on the relay's thread; wants nothing yet. */
    Readiness watch(int socket, Ready ready) throws IOException {
        return descriptors.watch(socket, ready);
    }

    /** Runs {@code task} on the relay's thread. */
    void execute(Runnable task) {
        try {
            epoll.execute(task);
        } catch (IOException e) {
            // The agent ends, and with it every socket.
            task.run();
        }
    }

    /** For when the call before found no descriptors left: to ask again at once would be to spin. */
    static void pauseIfPoor() {
        int errno = LibC.errno();
        if (errno == Errno.EMFILE || errno == Errno.ENFILE || errno == Errno.ENOBUFS || errno == Errno.ENOMEM) {
            try {
                Thread.sleep(PAUSE_MILLIS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @Override
    public void close() {
        epoll.close();
    }
}
