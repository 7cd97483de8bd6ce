package dev.wharf.jolokia.door;

import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.io.OutputStream;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Looks at the host through the agent's own socket and hands on what it sees as it comes. It speaks HTTP/1.0, where an answer
 * ends with its connection.
 */
final class Window {
    /** How long an answer may take to begin: a host of long ago has to be folded first. */
    private static final long PATIENCE_MILLIS = 60_000;

    /** A journal in which nothing happens says so this often, so that it is noticed when a browser has gone. */
    private static final long BEAT_MILLIS = 15_000;

    private static final int HEAD_LIMIT = 16 << 10;
    private static final Pattern STATUS = Pattern.compile("HTTP/1\\.[01] (\\d{3})");
    private static final Pattern TYPE = Pattern.compile("(?i)\r\ncontent-type: *([^\r]*)");
    private static final String LINES = "application/x-ndjson";

    private final String socket;

    /** @param socket a path; empty where the agent listens on none */
    Window(String socket) {
        this.socket = socket;
    }

    /** @param wish what to look at below {@code /wharf/v1}, as it stands in an address */
    void show(HttpExchange exchange, String wish) throws IOException {
        if (socket.isEmpty()) {
            Console.say(
                    exchange, 503, "the agent listens on no unix socket, through which the console looks at the host");
            return;
        }
        try (SocketChannel agent = SocketChannel.open(UnixDomainSocketAddress.of(socket));
                Selector selector = Selector.open()) {
            agent.write(StandardCharsets.US_ASCII.encode("GET /wharf/v1/" + wish + " HTTP/1.0\r\nHost: wharf\r\n\r\n"));
            agent.configureBlocking(false);
            agent.register(selector, SelectionKey.OP_READ);
            ByteBuffer buffer = ByteBuffer.allocate(HEAD_LIMIT);
            int head = head(agent, selector, buffer);
            if (head < 0) {
                Console.say(exchange, 504, "the agent does not answer");
                return;
            }
            String lines = new String(buffer.array(), 0, head, StandardCharsets.ISO_8859_1);
            Matcher status = STATUS.matcher(lines);
            Matcher type = TYPE.matcher(lines);
            String kind = type.find() ? type.group(1).toLowerCase(Locale.ROOT) : "application/json";
            exchange.getResponseHeaders().set("Content-Type", kind);
            exchange.sendResponseHeaders(status.lookingAt() ? Integer.parseInt(status.group(1)) : 502, 0);
            buffer.flip().position(head + 4);
            copy(agent, selector, buffer, exchange.getResponseBody(), kind.startsWith(LINES));
        }
    }

    /** Reads until the head is whole and answers where it ends, or -1. */
    private static int head(SocketChannel agent, Selector selector, ByteBuffer buffer) throws IOException {
        long end = System.nanoTime() + PATIENCE_MILLIS * 1_000_000;
        while (buffer.hasRemaining()) {
            long left = (end - System.nanoTime()) / 1_000_000;
            if (left <= 0) {
                return -1;
            }
            selector.select(left);
            selector.selectedKeys().clear();
            boolean over = agent.read(buffer) < 0;
            int at = new String(buffer.array(), 0, buffer.position(), StandardCharsets.ISO_8859_1).indexOf("\r\n\r\n");
            if (at >= 0 || over) {
                return at;
            }
        }
        return -1;
    }

    private static void copy(SocketChannel agent, Selector selector, ByteBuffer buffer, OutputStream out, boolean beats)
            throws IOException {
        while (true) {
            if (buffer.hasRemaining()) {
                out.write(buffer.array(), buffer.position(), buffer.remaining());
                out.flush();
            }
            buffer.clear();
            int ready = selector.select(beats ? BEAT_MILLIS : PATIENCE_MILLIS);
            selector.selectedKeys().clear();
            if (ready > 0) {
                if (agent.read(buffer) < 0) {
                    return;
                }
            } else if (beats) {
                buffer.put((byte) '\n');
            } else {
                throw new IOException("the agent's answer breaks off");
            }
            buffer.flip();
        }
    }
}
