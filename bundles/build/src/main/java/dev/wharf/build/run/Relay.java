package dev.wharf.build.run;

import java.io.Closeable;
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

    private final Offers.Agent agent;
    private final Path socket;
    private final ServerSocketChannel server;
    private final Set<Closeable> open = ConcurrentHashMap.newKeySet();

    Relay(Offers.Agent agent, Path socket) throws IOException {
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
                Offers.Connection real = agent.connect()) {
            open.add(real);
            if (!server.isOpen()) {
                return;
            }
            start(() -> answer(real, step));
            byte[] bytes = new byte[16 << 10];
            ByteBuffer buffer = ByteBuffer.wrap(bytes);
            while (step.read(buffer) >= 0) {
                real.write(bytes, buffer.position());
                buffer.clear();
            }
            open.remove(real);
        } catch (IOException e) {
            // The step hears of it by the end of its connection.
        } finally {
            open.remove(step);
        }
    }

    /** Copies until either side ends, which ends the other. */
    private static void answer(Offers.Connection real, SocketChannel step) {
        byte[] bytes = new byte[16 << 10];
        try (real;
                step) {
            for (int read = real.read(bytes); read >= 0; read = real.read(bytes)) {
                ByteBuffer buffer = ByteBuffer.wrap(bytes, 0, read);
                while (buffer.hasRemaining()) {
                    step.write(buffer);
                }
            }
        } catch (IOException e) {
            // The other direction ends by the same close.
        }
    }

    @Override
    public void close() throws IOException {
        server.close();
        for (Closeable one : open) {
            one.close();
        }
        Files.deleteIfExists(socket);
    }
}
