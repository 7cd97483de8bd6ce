package dev.wharf.dns;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;

/** Messages on a connection, each behind its length (RFC 1035, 4.2.2). Belongs to the loop. */
final class Framing {
    private final SocketChannel channel;
    private final ByteBuffer length = ByteBuffer.allocate(2);
    private ByteBuffer body = ByteBuffer.allocate(0);
    private final Deque<ByteBuffer> outgoing = new ArrayDeque<>();

    Framing(SocketChannel channel) {
        this.channel = channel;
    }

    /** The next whole message, or empty while it is not all there; the end of the stream is an {@link EOFException}. */
    Optional<byte[]> read() throws IOException {
        if (length.hasRemaining()) {
            fill(length);
            if (length.hasRemaining()) {
                return Optional.empty();
            }
            body = ByteBuffer.allocate(Short.toUnsignedInt(length.getShort(0)));
        }
        fill(body);
        if (body.hasRemaining()) {
            return Optional.empty();
        }
        length.clear();
        return Optional.of(body.array());
    }

    private void fill(ByteBuffer buffer) throws IOException {
        if (buffer.hasRemaining() && channel.read(buffer) < 0) {
            throw new EOFException("the other side is gone");
        }
    }

    void add(byte[] message) {
        ByteBuffer frame = ByteBuffer.allocate(2 + message.length);
        outgoing.add(frame.putShort((short) message.length).put(message).flip());
    }

    /** Writes what it can; whether anything is left. */
    boolean write() throws IOException {
        while (!outgoing.isEmpty()) {
            channel.write(outgoing.element());
            if (outgoing.element().hasRemaining()) {
                return true;
            }
            outgoing.remove();
        }
        return false;
    }
}
