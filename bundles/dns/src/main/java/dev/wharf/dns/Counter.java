package dev.wharf.dns;

import dev.wharf.model.ContainerId;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.kernel.Diversions;
import dev.wharf.spi.kernel.Namespaces;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where one container's questions arrive: two sockets in its sandbox at ports the kernel chose, to which what is sent to
 * port 53 is led. Port 53 itself stays free, for a container may well be a name server.
 */
final class Counter implements AutoCloseable {
    static final String ADDRESS = "127.0.0.11";
    private static final int PORT = 53;

    private static final Logger LOG = LoggerFactory.getLogger(Counter.class);
    private static final int BACKLOG = 64;
    private static final int CONNECTIONS = 64;
    private static final Duration IDLE = Duration.ofSeconds(10);
    /** How many questions of one container are read before it is another's turn. */
    private static final int AT_ONCE = 32;

    private final ContainerId container;
    private final Loop loop;
    private final Resolver resolver;
    private final DatagramChannel datagrams;
    private final ServerSocketChannel connections;
    /** Owned by the loop. */
    private final Set<SocketChannel> open = new HashSet<>();

    private final ByteBuffer room = ByteBuffer.allocate(65535 / 8);

    private Counter(
            ContainerId container,
            Loop loop,
            Resolver resolver,
            DatagramChannel datagrams,
            ServerSocketChannel connections) {
        this.container = container;
        this.loop = loop;
        this.resolver = resolver;
        this.datagrams = datagrams;
        this.connections = connections;
    }

    /** Begins to listen in a sandbox. */
    static Counter open(
            ContainerId container,
            Path sandbox,
            Namespaces namespaces,
            Diversions diversions,
            Loop loop,
            Resolver resolver)
            throws IOException, DriverException {
        Counter counter = inside(sandbox, namespaces, () -> {
            SocketAddress any = new InetSocketAddress(InetAddress.getByName(ADDRESS), 0);
            DatagramChannel datagrams = DatagramChannel.open(StandardProtocolFamily.INET);
            try {
                datagrams.bind(any);
                ServerSocketChannel connections = ServerSocketChannel.open(StandardProtocolFamily.INET);
                try {
                    connections.bind(any, BACKLOG);
                    return new Counter(container, loop, resolver, datagrams, connections);
                } catch (IOException e) {
                    Loop.close(connections);
                    throw e;
                }
            } catch (IOException e) {
                Loop.close(datagrams);
                throw e;
            }
        });
        try {
            loop.execute(counter::begin);
            diversions.divert(
                    sandbox,
                    ADDRESS,
                    PORT,
                    port(counter.datagrams.getLocalAddress()),
                    port(counter.connections.getLocalAddress()));
            return counter;
        } catch (IOException | DriverException e) {
            counter.close();
            throw e;
        }
    }

    private interface Opening {
        Counter open() throws IOException;
    }

    private static Counter inside(Path sandbox, Namespaces namespaces, Opening opening) throws IOException {
        try {
            return namespaces.inNetwork(sandbox, opening::open);
        } catch (IOException | RuntimeException e) {
            throw e;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        } catch (Exception e) {
            throw new IOException(e);
        }
    }

    private static int port(SocketAddress address) {
        return ((InetSocketAddress) address).getPort();
    }

    private void begin() {
        try {
            loop.register(datagrams, SelectionKey.OP_READ, key -> hear());
            loop.register(connections, SelectionKey.OP_ACCEPT, key -> accept());
        } catch (IOException | java.nio.channels.ClosedSelectorException e) {
            LOG.debug("gone before it was there container={}", container, e);
        }
    }

    private void hear() throws IOException {
        for (int i = 0; i < AT_ONCE; i++) {
            room.clear();
            SocketAddress from = datagrams.receive(room);
            if (from == null) {
                return;
            }
            byte[] question = new byte[room.flip().remaining()];
            room.get(question);
            resolver.answer(container, question, false, answer -> send(answer, from));
        }
    }

    private void send(byte[] answer, SocketAddress to) {
        try {
            if (datagrams.isOpen()) {
                datagrams.send(ByteBuffer.wrap(answer), to);
            }
        } catch (IOException e) {
            LOG.debug("answer not sent container={}", container, e);
        }
    }

    private void accept() throws IOException {
        SocketChannel client = connections.accept();
        if (client == null) {
            return;
        }
        if (open.size() >= CONNECTIONS) {
            Loop.close(client);
            return;
        }
        open.add(client);
        new Conversation(client).begin();
    }

    /** One connection, whose questions may be answered out of order (RFC 7766). */
    private final class Conversation {
        private final SocketChannel client;
        private final Framing framing;
        private Loop.Alarm idle;

        Conversation(SocketChannel client) {
            this.client = client;
            framing = new Framing(client);
            idle = loop.after(IDLE, this::end);
        }

        void begin() {
            try {
                loop.register(client, SelectionKey.OP_READ, this::ready);
            } catch (IOException e) {
                end();
            }
        }

        private void ready(SelectionKey key) {
            try {
                if (key.isReadable()) {
                    var question = framing.read();
                    if (question.isPresent()) {
                        idle.callOff();
                        idle = loop.after(IDLE, this::end);
                        resolver.answer(container, question.get(), true, answer -> send(key, answer));
                    }
                }
                if (key.isValid() && key.isWritable()) {
                    write(key);
                }
            } catch (IOException e) {
                end();
            }
        }

        private void send(SelectionKey key, byte[] answer) {
            try {
                if (key.isValid()) {
                    framing.add(answer);
                    write(key);
                }
            } catch (IOException e) {
                end();
            }
        }

        private void write(SelectionKey key) throws IOException {
            key.interestOps(framing.write() ? SelectionKey.OP_READ | SelectionKey.OP_WRITE : SelectionKey.OP_READ);
        }

        private void end() {
            idle.callOff();
            open.remove(client);
            Loop.close(client);
        }
    }

    /** From any thread: at once, for an open socket keeps the sandbox alive. */
    @Override
    public void close() {
        Loop.close(datagrams);
        Loop.close(connections);
        loop.execute(() -> Set.copyOf(open).forEach(client -> {
            open.remove(client);
            Loop.close(client);
        }));
    }
}
