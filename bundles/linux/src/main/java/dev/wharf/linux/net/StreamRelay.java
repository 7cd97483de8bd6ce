package dev.wharf.linux.net;

import dev.wharf.linux.libc.Errno;
import dev.wharf.linux.libc.LibC;
import dev.wharf.spi.kernel.Descriptors.Readiness;
import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Carries each connection of a listening socket to one of its own to the target, by splice(2): the bytes never leave the kernel.
 * An end of one side's output is passed on and the other way stays open. A client whose target refuses is reset.
 */
final class StreamRelay extends Carrier {
    private static final int SOL_SOCKET = 1;
    private static final int SO_LINGER = 13;
    private static final int IPPROTO_TCP = 6;
    private static final int TCP_NODELAY = 1;
    private static final int SHUT_WR = 1;
    private static final int SPLICE_F_MOVE = 1;
    private static final int SPLICE_F_NONBLOCK = 2;

    /** What a pipe takes by default (pipe(7)). */
    private static final int CHUNK = 64 * 1024;

    /** As many as there are clients. Of the relay's thread alone. */
    private final Set<Connection> connections = new HashSet<>();

    StreamRelay(Relay relay, int listener, Address to, int port) throws IOException {
        super(relay, listener, to, port);
    }

    @Override
    void end() {
        List.copyOf(connections).forEach(Connection::reset);
    }

    @Override
    void arrived() {
        for (int i = 0; i < Relay.AT_ONCE; i++) {
            int client = next();
            if (client < 0) {
                Relay.pauseIfPoor();
                return;
            }
            try {
                new Connection(client).begin();
            } catch (IOException e) {
                // The client's socket is closed: it learns that nobody answers.
            }
        }
    }

    private synchronized int next() {
        return isOpen() ? libc.accept4(socket, null, null, LibC.O_CLOEXEC | LibC.O_NONBLOCK) : -1;
    }

    private void closeAll(int... descriptors) {
        for (int descriptor : descriptors) {
            libc.close(descriptor);
        }
    }

    /** A client and what it is connected to. */
    private final class Connection {
        private final int client;
        private final int server;
        private final Way forth;
        private final Way back;
        private final Readiness clients;
        private final Readiness servers;

        Connection(int client) throws IOException {
            this.client = client;
            int[] pipes = new int[2];
            int[] others = new int[2];
            try {
                Errno.check(libc.pipe2(pipes, LibC.O_CLOEXEC | LibC.O_NONBLOCK), "pipe2", "pipe");
                Errno.check(libc.pipe2(others, LibC.O_CLOEXEC | LibC.O_NONBLOCK), "pipe2", "pipe");
                this.server = connected(Relay.SOCK_STREAM);
            } catch (IOException e) {
                closeAll(client);
                for (int end : new int[] {pipes[0], pipes[1], others[0], others[1]}) {
                    if (end > 0) {
                        libc.close(end);
                    }
                }
                throw e;
            }
            for (int socket : new int[] {client, server}) {
                libc.setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, new int[] {1}, 4);
            }
            this.forth = new Way(client, server, pipes);
            this.back = new Way(server, client, others);
            this.clients = relay.watch(client, (readable, writable) -> move());
            this.servers = relay.watch(server, (readable, writable) -> move());
        }

        void begin() {
            connections.add(this);
            want();
        }

        private void move() {
            if (!forth.move() || !back.move()) {
                reset();
            } else if (forth.isOver() && back.isOver()) {
                close();
            } else {
                want();
            }
        }

        private void want() {
            try {
                clients.want(forth.isEmpty(), !back.isEmpty());
                servers.want(back.isEmpty(), !forth.isEmpty());
            } catch (IOException e) {
                reset();
            }
        }

        /** What one side lost the other learns of. */
        void reset() {
            for (int socket : new int[] {client, server}) {
                libc.setsockopt(socket, SOL_SOCKET, SO_LINGER, new int[] {1, 0}, 8);
            }
            close();
        }

        private void close() {
            if (connections.remove(this)) {
                clients.close();
                servers.close();
                closeAll(client, server);
                closeAll(forth.pipe);
                closeAll(back.pipe);
            }
        }
    }

    /** One direction of a connection: what was read and is not written yet waits in a pipe. */
    private final class Way {
        private final int from;
        private final int to;
        private final int[] pipe;
        private long held;
        private boolean ended;
        private boolean over;

        Way(int from, int to, int[] pipe) {
            this.from = from;
            this.to = to;
            this.pipe = pipe;
        }

        /** Whether there is still something to read, and room for it. */
        boolean isEmpty() {
            return held == 0 && !ended;
        }

        boolean isOver() {
            return over;
        }

        /** Moves what there is, as far as the other side takes it; false where a side is lost. */
        boolean move() {
            for (int turn = 0; turn < Relay.AT_ONCE && !over; turn++) {
                long count = held > 0 ? splice(pipe[0], to, held) : splice(from, pipe[1], CHUNK);
                if (count < 0) {
                    return LibC.errno() == Errno.EAGAIN || LibC.errno() == Errno.EINTR;
                }
                if (held > 0) {
                    held -= count;
                } else {
                    held = count;
                    ended |= count == 0;
                }
                if (ended) {
                    libc.shutdown(to, SHUT_WR);
                    over = true;
                }
            }
            return true;
        }

        private long splice(int source, int sink, long count) {
            return libc.splice(source, null, sink, null, count, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
        }
    }
}
