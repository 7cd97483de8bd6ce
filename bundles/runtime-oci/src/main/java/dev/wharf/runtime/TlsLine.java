package dev.wharf.runtime;

import dev.wharf.spi.tls.ClientTls;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLParameters;

/** TLS over a connection that never blocks, by the platform's engine, so that a server that stands still is given up in time. */
final class TlsLine implements Line {
    private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

    private final SocketChannel channel;
    private final SSLEngine engine;

    /** What came and is not deciphered yet; written to. */
    private final ByteBuffer received;

    /** What was deciphered and nobody read yet; written to. */
    private final ByteBuffer plain;

    private final ByteBuffer sealed;

    private TlsLine(SocketChannel channel, SSLEngine engine) {
        this.channel = channel;
        this.engine = engine;
        this.received = ByteBuffer.allocate(engine.getSession().getPacketBufferSize());
        this.plain = ByteBuffer.allocate(engine.getSession().getApplicationBufferSize());
        this.sealed = ByteBuffer.allocate(engine.getSession().getPacketBufferSize());
    }

    /**
     * Shakes hands; where that fails the connection is closed.
     *
     * @param channel connected, and not blocking
     * @param host whose name its certificate must have
     */
    static Line over(SocketChannel channel, SSLContext tls, String host, int port) throws IOException {
        SSLEngine engine = tls.createSSLEngine(host, port);
        engine.setUseClientMode(true);
        SSLParameters parameters = engine.getSSLParameters();
        parameters.setEndpointIdentificationAlgorithm("HTTPS");
        engine.setSSLParameters(parameters);
        TlsLine line = new TlsLine(channel, engine);
        try {
            engine.beginHandshake();
            while (line.settled(PATIENCE) != HandshakeStatus.NOT_HANDSHAKING) {
                line.receive(PATIENCE);
            }
            return line;
        } catch (IOException e) {
            channel.close();
            throw new IOException("dial tcp " + host + ":" + port + ": " + ClientTls.reason(e), e);
        }
    }

    /** Does what the engine wants done on this side, and says what is left. */
    private HandshakeStatus settled(Duration patience) throws IOException {
        while (true) {
            HandshakeStatus status = engine.getHandshakeStatus();
            switch (status) {
                case NEED_TASK -> engine.getDelegatedTask().run();
                case NEED_WRAP -> send(NOTHING, patience);
                default -> {
                    return status;
                }
            }
        }
    }

    private void send(ByteBuffer bytes, Duration patience) throws IOException {
        sealed.clear();
        if (engine.wrap(bytes, sealed).getStatus() == SSLEngineResult.Status.CLOSED) {
            throw new IOException("the server closed the connection");
        }
        sealed.flip();
        while (sealed.hasRemaining()) {
            Line.patiently(patience, () -> channel.write(sealed));
        }
    }

    /** Deciphers what came; where that is no whole record, more is waited for. */
    private void receive(Duration patience) throws IOException {
        if (!decipher()) {
            Line.patiently(patience, () -> channel.read(received));
        }
    }

    /** Whether there was a whole record. */
    private boolean decipher() throws IOException {
        received.flip();
        SSLEngineResult result = engine.unwrap(received, plain);
        received.compact();
        if (result.getStatus() == SSLEngineResult.Status.CLOSED) {
            throw new IOException("the server closed the connection");
        }
        return result.getStatus() == SSLEngineResult.Status.OK;
    }

    @Override
    public void write(byte[] message, Duration patience) throws IOException {
        // A server that closed says so to a reader only, and one that is well may have sent tickets for other sessions.
        if (channel.read(received) < 0) {
            throw new IOException("the server closed the connection");
        }
        while (decipher()) {
            settled(patience);
        }
        ByteBuffer bytes = ByteBuffer.wrap(message);
        while (bytes.hasRemaining()) {
            send(bytes, patience);
        }
    }

    @Override
    public int read(ByteBuffer into, Duration patience) throws IOException {
        while (plain.position() == 0) {
            receive(patience);
            settled(patience);
        }
        plain.flip();
        int count = Math.min(plain.remaining(), into.remaining());
        into.put(plain.slice().limit(count));
        plain.position(count);
        plain.compact();
        return count;
    }

    @Override
    public void close() throws IOException {
        try (channel) {
            engine.closeOutbound();
            sealed.clear();
            engine.wrap(NOTHING, sealed);
            channel.write(sealed.flip());
        }
    }
}
