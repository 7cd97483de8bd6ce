package dev.wharf.engine.http;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** A client that sends and reads exactly the bytes a test wants. */
public final class Line implements AutoCloseable {
    private final SocketChannel channel;
    private final ByteBuffer in = ByteBuffer.allocate(1 << 16).flip();

    /** An answer, its header names in lower case and its body without chunk marks. */
    public record Reply(int status, String statusLine, Map<String, String> headers, byte[] body) {
        public String text() {
            return new String(body, StandardCharsets.UTF_8);
        }

        public String header(String name) {
            return headers.getOrDefault(name.toLowerCase(Locale.ROOT), "");
        }
    }

    private Line(SocketChannel channel) {
        this.channel = channel;
    }

    public static Line to(Path socket) throws IOException {
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        channel.connect(UnixDomainSocketAddress.of(socket));
        return new Line(channel);
    }

    public Line send(String text) throws IOException {
        return send(text.getBytes(StandardCharsets.UTF_8));
    }

    public Line send(byte[] bytes) throws IOException {
        ByteBuffer out = ByteBuffer.wrap(bytes);
        while (out.hasRemaining()) {
            channel.write(out);
        }
        return this;
    }

    /** Sends a request without a body. */
    public Line request(String method, String uri) throws IOException {
        return send(method + " " + uri + " HTTP/1.1\r\nHost: docker\r\n\r\n");
    }

    public Line request(String method, String uri, String json) throws IOException {
        byte[] body = json.getBytes(StandardCharsets.UTF_8);
        return send(method + " " + uri
                        + " HTTP/1.1\r\nHost: docker\r\nContent-Type: application/json\r\nContent-Length: "
                        + body.length + "\r\n\r\n")
                .send(body);
    }

    public Line endInput() throws IOException {
        channel.shutdownOutput();
        return this;
    }

    /** Reads a whole answer. */
    public Reply reply() throws IOException {
        return reply(true);
    }

    /** Reads an answer that may have no body, as those to HEAD. */
    public Reply reply(boolean hasBody) throws IOException {
        Reply head = head();
        if (!hasBody || head.status() == 204 || head.status() == 304) {
            return head;
        }
        byte[] body;
        if (head.header("transfer-encoding").equals("chunked")) {
            ByteArrayOutputStream all = new ByteArrayOutputStream();
            for (byte[] chunk = chunk(); chunk.length > 0; chunk = chunk()) {
                all.writeBytes(chunk);
            }
            body = all.toByteArray();
        } else if (head.headers().containsKey("content-length")) {
            body = read(Integer.parseInt(head.header("content-length")));
        } else {
            body = rest();
        }
        return new Reply(head.status(), head.statusLine(), head.headers(), body);
    }

    /** Reads the head of an answer. */
    public Reply head() throws IOException {
        String statusLine = line();
        Map<String, String> headers = new LinkedHashMap<>();
        for (String line = line(); !line.isEmpty(); line = line()) {
            int colon = line.indexOf(':');
            headers.put(
                    line.substring(0, colon).toLowerCase(Locale.ROOT),
                    line.substring(colon + 1).strip());
        }
        return new Reply(Integer.parseInt(statusLine.split(" ")[1]), statusLine, headers, new byte[0]);
    }

    /** Reads one chunk; the last one is empty. */
    public byte[] chunk() throws IOException {
        byte[] chunk = read(Integer.parseInt(line(), 16));
        line();
        return chunk;
    }

    public byte[] read(int count) throws IOException {
        byte[] bytes = new byte[count];
        for (int i = 0; i < count; i++) {
            int b = next();
            if (b < 0) {
                throw new EOFException("the server closed after " + i + " of " + count + " bytes");
            }
            bytes[i] = (byte) b;
        }
        return bytes;
    }

    public String text(int count) throws IOException {
        return new String(read(count), StandardCharsets.UTF_8);
    }

    /** All that one reading of the socket brings, as of a client that reads through a buffer. */
    public String arrived() throws IOException {
        int first = next();
        byte[] more = new byte[in.remaining()];
        in.get(more);
        return (char) first + new String(more, StandardCharsets.UTF_8);
    }

    /** Reads to the end of the connection. */
    public byte[] rest() throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (int b = next(); b >= 0; b = next()) {
            all.write(b);
        }
        return all.toByteArray();
    }

    private String line() throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        for (int b = next(); b != '\n'; b = next()) {
            if (b < 0) {
                throw new EOFException("the server closed in a line: " + line);
            }
            if (b != '\r') {
                line.write(b);
            }
        }
        return line.toString(StandardCharsets.UTF_8);
    }

    private int next() throws IOException {
        if (!in.hasRemaining()) {
            in.clear();
            int count = channel.read(in);
            in.flip();
            if (count < 0) {
                return -1;
            }
        }
        return in.get() & 0xff;
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
