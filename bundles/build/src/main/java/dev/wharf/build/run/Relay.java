package dev.wharf.build.run;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A socket that stands for a client's ssh agent while a step runs. The step never sees the agent's own socket, whose owner the
 * agent may insist on, and what still talks through this one when the step ends is cut off.
 */
final class Relay implements AutoCloseable {
    private static final int MOST_AT_ONCE = 64;

    private final Path agent;
    private final Path socket;
    private final ServerSocketChannel server;
    private final Set<SocketChannel> open = ConcurrentHashMap.newKeySet();

    Relay(Path agent, Path socket) throws IOException {
        this.agent = agent;
        this.socket = socket;
        this.server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            server.bind(UnixDomainSocketAddress.of(socket));
        } catch (IOException e) {
            server.close();
            throw e;
        }
        start(this::serve);
    }

    private static void start(Runnable work) {
        Thread thread = new Thread(work, "wharf-build-ssh");
        thread.setDaemon(true);
        thread.start();
    }

    private void serve() {
        try {
            while (true) {
                SocketChannel step = server.accept();
                if (open.size() >= 2 * MOST_AT_ONCE) {
                    step.close();
                } else {
                    open.add(step);
                    start(() -> join(step));
                }
            }
        } catch (IOException e) {
            // Closed, because the step is over.
        }
    }

    private void join(SocketChannel step) {
        try (step;
                SocketChannel real = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            open.add(real);
            if (!server.isOpen()) {
                return;
            }
            real.connect(UnixDomainSocketAddress.of(agent));
            start(() -> copy(real, step));
            copy(step, real);
            open.remove(real);
        } catch (IOException e) {
            // The step hears of it by the end of its connection.
        } finally {
            open.remove(step);
        }
    }

    /** Copies until either side ends, which ends the other. */
    private static void copy(SocketChannel from, SocketChannel to) {
        ByteBuffer buffer = ByteBuffer.allocate(16 << 10);
        try (from;
                to) {
            while (from.read(buffer) >= 0) {
                buffer.flip();
                while (buffer.hasRemaining()) {
                    to.write(buffer);
                }
                buffer.clear();
            }
        } catch (IOException e) {
            // The other direction ends by the same close.
        }
    }

    @Override
    public void close() throws IOException {
        server.close();
        for (SocketChannel channel : open) {
            channel.close();
        }
        Files.deleteIfExists(socket);
    }
}
