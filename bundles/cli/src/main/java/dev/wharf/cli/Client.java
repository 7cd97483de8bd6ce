package dev.wharf.cli;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.StandardProtocolFamily;
import java.net.URLEncoder;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Speaks HTTP/1.1 (RFC 9112) over a unix socket, as much of it as an agent and its own command need: one request per
 * connection, bodies by length, in chunks or until the end.
 */
final class Client {
    /** A line of a response head is never longer; one that is comes from something that does not speak HTTP. */
    private static final int MAX_LINE_BYTES = 16_384;

    private static final String HUNG_UP = "the agent hung up in the middle of its answer";

    private final Path socket;

    Client(Path socket) {
        this.socket = socket;
    }

    Path socket() {
        return socket;
    }

    /** A path of the API with its query. */
    static final class Request {
        private final StringBuilder target;
        private char separator = '?';

        Request(String path) {
            target = new StringBuilder(path);
        }

        Request with(String name, String value) {
            if (value.isEmpty()) return this;
            target.append(separator).append(name).append('=').append(encode(value));
            separator = '&';
            return this;
        }

        static String encode(String text) {
            return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
        }

        @Override
        public String toString() {
            return target.toString();
        }
    }

    /** The body of an answer; closing it ends the connection. */
    record Answer(InputStream body, SocketChannel channel) implements AutoCloseable {
        String text() throws IOException {
            return new String(body.readAllBytes(), StandardCharsets.UTF_8);
        }

        @Override
        public void close() throws IOException {
            channel.close();
        }
    }

    /** Asks for something small and answers it whole. */
    String text(Request request) throws IOException {
        try (Answer answer = get(request)) {
            return answer.text();
        }
    }

    /** Has something done and answers what is said of it, whole. */
    String post(Request request) throws IOException {
        try (Answer answer = ask("POST", request)) {
            return answer.text();
        }
    }

    /** Has something removed and answers what is said of it, whole. */
    String delete(Request request) throws IOException {
        try (Answer answer = ask("DELETE", request)) {
            return answer.text();
        }
    }

    /** Asks; an answer that is an error becomes an exception with the agent's own words. */
    Answer get(Request request) throws IOException {
        return ask("GET", request);
    }

    private Answer ask(String method, Request request) throws IOException {
        SocketChannel channel = connect();
        try {
            send(
                    channel,
                    method + " " + request
                            + " HTTP/1.1\r\nHost: wharf\r\nUser-Agent: wharf\r\nContent-Length: 0\r\n"
                            + "Connection: close\r\n\r\n");
            return read(channel, new BufferedInputStream(Channels.newInputStream(channel)));
        } catch (IOException e) {
            channel.close();
            throw e;
        }
    }

    /** What is sent, as it is made. */
    interface Body {
        void writeTo(OutputStream out) throws IOException;
    }

    /** Sends a body of unknown length, while the answer may come already. */
    Answer upload(Request request, String type, Body body) throws IOException {
        SocketChannel channel = connect();
        AtomicReference<IOException> failure = new AtomicReference<>();
        try {
            send(
                    channel,
                    "POST " + request + " HTTP/1.1\r\nHost: wharf\r\nUser-Agent: wharf\r\nContent-Type: " + type
                            + "\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n");
            Thread sender = new Thread(() -> upload(channel, body, failure), "sender");
            sender.setDaemon(true);
            sender.start();
            return read(channel, new BufferedInputStream(Channels.newInputStream(channel)));
        } catch (IOException e) {
            channel.close();
            IOException cause = failure.get();
            throw cause == null ? e : cause;
        }
    }

    private static void upload(SocketChannel channel, Body body, AtomicReference<IOException> failure) {
        try {
            ChunkedOutput out = new ChunkedOutput(channel);
            body.writeTo(out);
            out.end();
        } catch (AgentGone e) {
            // An agent that has heard enough says why in its answer.
        } catch (IOException e) {
            failure.set(e);
            try {
                // Without the last chunk, so that half a body is not taken for a whole one.
                channel.close();
            } catch (IOException more) {
                e.addSuppressed(more);
            }
        }
    }

    private static final class AgentGone extends IOException {
        private static final long serialVersionUID = 1L;

        AgentGone(IOException cause) {
            super(cause);
        }
    }

    /** Makes chunks of what is written. Writes to the channel itself: its stream would wait for a reader of the same. */
    private static final class ChunkedOutput extends OutputStream {
        private final SocketChannel channel;
        private final ByteBuffer chunk = ByteBuffer.allocate(64 << 10);

        ChunkedOutput(SocketChannel channel) {
            this.channel = channel;
        }

        @Override
        public void write(int b) throws IOException {
            write(new byte[] {(byte) b}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int from, int count) throws IOException {
            for (int at = from, left = count; left > 0; ) {
                int step = Math.min(left, chunk.remaining());
                chunk.put(bytes, at, step);
                at += step;
                left -= step;
                if (!chunk.hasRemaining()) pass();
            }
        }

        private void pass() throws IOException {
            if (chunk.position() == 0) return;
            try {
                send(channel, Integer.toHexString(chunk.position()) + "\r\n");
                chunk.flip();
                while (chunk.hasRemaining()) channel.write(chunk);
                chunk.clear();
                send(channel, "\r\n");
            } catch (IOException e) {
                throw new AgentGone(e);
            }
        }

        void end() throws IOException {
            pass();
            try {
                send(channel, "0\r\n\r\n");
            } catch (IOException e) {
                throw new AgentGone(e);
            }
        }
    }

    private SocketChannel connect() throws IOException {
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            channel.connect(UnixDomainSocketAddress.of(socket));
            return channel;
        } catch (IOException e) {
            channel.close();
            throw new IOException("cannot reach an agent at unix://" + socket + ": " + whyNot(e), e);
        }
    }

    private String whyNot(IOException e) {
        if (!Files.exists(socket))
            return "no such socket; is wharfd running there? (--host and WHARF_HOST say where to look)";
        if (!Files.isWritable(socket)) return "permission denied; try as root";
        String message = String.valueOf(e.getMessage());
        return message.contains("refused") ? "nobody listens; is wharfd running?" : message;
    }

    private static void send(SocketChannel channel, String text) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
        while (bytes.hasRemaining()) channel.write(bytes);
    }

    private Answer read(SocketChannel channel, InputStream in) throws IOException {
        String[] status = line(in).split(" ", 3);
        if (status.length < 2 || !status[0].startsWith("HTTP/1.")) {
            throw new IOException("what listens at unix://" + socket + " does not speak HTTP");
        }
        Map<String, String> headers = headers(in);
        Answer answer = new Answer(body(in, headers), channel);
        int code = Integer.parseInt(status[1]);
        if (code >= 400) throw new IOException(reason(code, answer.text()));
        return answer;
    }

    private static String reason(int code, String body) {
        String message = "";
        try {
            message = Json.read(body).text("message");
        } catch (IOException e) {
            // Not from Wharf, then; the code has to do.
        }
        return message.isEmpty() ? "the agent answered with status " + code : message;
    }

    private static Map<String, String> headers(InputStream in) throws IOException {
        Map<String, String> headers = new HashMap<>();
        for (String line = line(in); !line.isEmpty(); line = line(in)) {
            int colon = line.indexOf(':');
            if (colon > 0) {
                headers.put(
                        line.substring(0, colon).toLowerCase(Locale.ROOT),
                        line.substring(colon + 1).strip());
            }
        }
        return headers;
    }

    private static InputStream body(InputStream in, Map<String, String> headers) {
        if (headers.getOrDefault("transfer-encoding", "").equalsIgnoreCase("chunked")) return new Chunks(in);
        String length = headers.getOrDefault("content-length", "");
        return length.isEmpty() ? in : new Counted(in, Long.parseLong(length));
    }

    private static String line(InputStream in) throws IOException {
        return line(in, "the agent hung up before it answered");
    }

    private static String line(InputStream in, String atItsEnd) throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream(128);
        for (int b = in.read(); b != '\n'; b = in.read()) {
            if (b < 0) throw new EOFException(atItsEnd);
            if (line.size() > MAX_LINE_BYTES) throw new IOException("the answer is not HTTP");
            if (b != '\r') line.write(b);
        }
        return line.toString(StandardCharsets.UTF_8);
    }

    /** A body of a known length. */
    private static final class Counted extends InputStream {
        private final InputStream in;
        private long left;

        Counted(InputStream in, long length) {
            this.in = in;
            this.left = length;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] into, int from, int count) throws IOException {
            if (left == 0) return -1;
            int n = in.read(into, from, (int) Math.min(count, left));
            if (n < 0) throw new EOFException(HUNG_UP);
            left -= n;
            return n;
        }
    }

    /** A body in chunks (RFC 9112, section 7.1). */
    private static final class Chunks extends InputStream {
        private final InputStream in;
        private long left;
        private boolean first = true;
        private boolean ended;

        Chunks(InputStream in) {
            this.in = in;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] into, int from, int count) throws IOException {
            if (!ended && left == 0) begin();
            if (ended) return -1;
            int n = in.read(into, from, (int) Math.min(count, left));
            if (n < 0) throw new EOFException(HUNG_UP);
            left -= n;
            return n;
        }

        /** More is at hand only inside a chunk; asking for the next one may wait. */
        @Override
        public int available() throws IOException {
            return (int) Math.min(left, in.available());
        }

        private void begin() throws IOException {
            if (!first) line(in, HUNG_UP);
            first = false;
            String size = line(in, HUNG_UP);
            int extension = size.indexOf(';');
            left = Long.parseLong((extension < 0 ? size : size.substring(0, extension)).strip(), 16);
            if (left == 0) {
                while (!line(in, HUNG_UP).isEmpty()) {
                    // Trailers say nothing that we need.
                }
                ended = true;
            }
        }
    }
}
