package dev.wharf.runtime;

import dev.wharf.spi.kernel.Descriptors;
import dev.wharf.spi.kernel.Descriptors.SocketType;
import dev.wharf.spi.tls.ClientTls;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;

/** An open way to a server that takes logs. Opening fails in the words that Docker's users know. */
interface Line {
    /** How long a server may take to answer, or to take what it is sent. */
    Duration PATIENCE = Duration.ofSeconds(5);

    /** Writes all of the message; an IOException says that some of it may be lost. */
    void write(byte[] message, Duration patience) throws IOException;

    /** Reads what is there, at least a byte of it within the patience. */
    int read(ByteBuffer into, Duration patience) throws IOException;

    void close() throws IOException;

    /** Over UDP, where nothing is answered. */
    static Line udp(String host, int port) throws IOException {
        InetSocketAddress address = address("udp", host, port);
        DatagramChannel channel = DatagramChannel.open();
        try {
            channel.connect(address);
        } catch (IOException e) {
            channel.close();
            throw refused("udp " + text(address), e);
        }
        return new Line() {
            @Override
            public void write(byte[] message, Duration patience) throws IOException {
                channel.write(ByteBuffer.wrap(message));
            }

            @Override
            public int read(ByteBuffer into, Duration patience) throws IOException {
                throw new IOException("nothing is answered over UDP");
            }

            @Override
            public void close() throws IOException {
                channel.close();
            }
        };
    }

    /** Over TCP and TLS; what is wrong with the files of {@code tls} is told as well. */
    static Line tls(String host, int port, ClientTls tls) throws IOException {
        SSLContext context = tls.context();
        return TlsLine.over(dial(host, port), context, host, port);
    }

    static Line tcp(String host, int port) throws IOException {
        SocketChannel channel = dial(host, port);
        return new Line() {
            @Override
            public void write(byte[] message, Duration patience) throws IOException {
                // A server that closed says so to a reader only; a writer's first message after would be lost.
                if (channel.read(ByteBuffer.allocate(128)) < 0) {
                    throw new IOException("the server closed the connection");
                }
                ByteBuffer bytes = ByteBuffer.wrap(message);
                while (bytes.hasRemaining()) {
                    patiently(patience, () -> channel.write(bytes));
                }
            }

            @Override
            public int read(ByteBuffer into, Duration patience) throws IOException {
                return patiently(patience, () -> channel.read(into));
            }

            @Override
            public void close() throws IOException {
                channel.close();
            }
        };
    }

    static Line unix(Descriptors descriptors, Path socket, SocketType type) throws IOException {
        int descriptor;
        try {
            descriptor = descriptors.connect(socket, type, true);
        } catch (IOException e) {
            throw refused((type == SocketType.STREAM ? "unix " : "unixgram ") + socket, e);
        }
        return new Line() {
            @Override
            public void write(byte[] message, Duration patience) throws IOException {
                ByteBuffer bytes = ByteBuffer.wrap(message);
                while (bytes.hasRemaining()) {
                    patiently(patience, () -> Math.max(0, descriptors.write(descriptor, bytes)));
                }
            }

            @Override
            public int read(ByteBuffer into, Duration patience) throws IOException {
                return patiently(patience, () -> {
                    int read = descriptors.read(descriptor, into);
                    return read == Descriptors.WOULD_BLOCK ? 0 : read;
                });
            }

            @Override
            public void close() {
                descriptors.close(descriptor);
            }
        };
    }

    private static SocketChannel dial(String host, int port) throws IOException {
        InetSocketAddress address = address("tcp", host, port);
        SocketChannel channel = SocketChannel.open();
        try {
            channel.socket().connect(address, (int) PATIENCE.toMillis());
            channel.configureBlocking(false);
            return channel;
        } catch (IOException e) {
            channel.close();
            throw refused("tcp " + text(address), e);
        }
    }

    private static InetSocketAddress address(String network, String host, int port) throws IOException {
        try {
            return new InetSocketAddress(InetAddress.getByName(host), port);
        } catch (UnknownHostException e) {
            throw new IOException("dial " + network + ": lookup " + host + ": no such host", e);
        } catch (IllegalArgumentException e) {
            throw new IOException("dial " + network + ": address " + port + ": invalid port", e);
        }
    }

    private static String text(InetSocketAddress address) {
        String host = address.getAddress().getHostAddress();
        return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + address.getPort();
    }

    private static IOException refused(String what, IOException why) {
        String words = String.valueOf(why.getMessage()).toLowerCase(Locale.ROOT);
        return new IOException(
                "dial " + what + ": "
                        + (why instanceof SocketTimeoutException
                                ? "i/o timeout"
                                : "connect: "
                                        + words.substring(
                                                words.lastIndexOf(": ") < 0 ? 0 : words.lastIndexOf(": ") + 2)),
                why);
    }

    /** Something that moves some bytes, none where that is not possible now, and says -1 at the end. */
    interface Move {
        int move() throws IOException;
    }

    /** Moves some bytes, at least one, within the patience. */
    static int patiently(Duration patience, Move move) throws IOException {
        long deadline = System.nanoTime() + patience.toNanos();
        long pause = TimeUnit.MICROSECONDS.toNanos(50);
        int moved = move.move();
        while (moved == 0) {
            if (System.nanoTime() > deadline) {
                throw new IOException("the server does not keep up");
            }
            try {
                TimeUnit.NANOSECONDS.sleep(pause);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new InterruptedIOException("interrupted while a server was slow");
            }
            pause = Math.min(2 * pause, TimeUnit.MILLISECONDS.toNanos(5));
            moved = move.move();
        }
        if (moved < 0) {
            throw new IOException("the server closed the connection");
        }
        return moved;
    }
}
