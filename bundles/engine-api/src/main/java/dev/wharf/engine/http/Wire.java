package dev.wharf.engine.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.nio.charset.StandardCharsets;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Writes answers as bytes (RFC 9112). By hand, because a connection that is taken over needs a head that no encoder writes,
 * and because most of a head is the same each time.
 */
final class Wire {
    private static final byte[] STREAM_END = "0\r\n\r\n".getBytes(StandardCharsets.US_ASCII);

    private static final byte[] CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n".getBytes(StandardCharsets.US_ASCII);

    /** {@code Server} begins with a word that old clients read the platform from. */
    private static final byte[] ALWAYS = ("Api-Version: " + ApiVersion.NEWEST
                    + "\r\nDocker-Experimental: false\r\nOstype: linux\r\nServer: Docker/" + EngineVersion.COMPATIBLE
                    + " (linux)\r\n")
            .getBytes(StandardCharsets.US_ASCII);

    private static volatile Stamp stamp = new Stamp(0, new byte[0]);

    /** The date line of one second. */
    private record Stamp(long second, byte[] line) {}

    private Wire() {}

    /** How the end of a body is told. */
    enum Framing {
        LENGTH,
        CHUNKED,
        /** The body ends with the connection, for clients of HTTP/1.0. */
        CLOSE
    }

    static ByteBuf proceed(ByteBufAllocator alloc) {
        return alloc.buffer(CONTINUE.length).writeBytes(CONTINUE);
    }

    /** A whole answer. {@code withBody} is false for answers to HEAD. */
    static ByteBuf whole(
            ByteBufAllocator alloc, Answer.Whole answer, Optional<String> requestId, boolean close, boolean withBody) {
        byte[] body = answer.body();
        ByteBuf out = alloc.buffer(384 + (withBody ? body.length : 0));
        head(out, answer.status(), answer.contentType(), answer.headers(), requestId);
        if (answer.status() != 204 && answer.status() != 304) {
            ascii(out, "Content-Length: " + body.length + "\r\n");
        }
        if (close) {
            ascii(out, "Connection: close\r\n");
        }
        ascii(out, "\r\n");
        return withBody ? out.writeBytes(body) : out;
    }

    /** The head of a streamed answer. */
    static ByteBuf flow(
            ByteBufAllocator alloc, Answer.Flow answer, Optional<String> requestId, Framing framing, boolean close) {
        ByteBuf out = alloc.buffer(384);
        head(out, answer.status(), answer.contentType(), answer.headers(), requestId);
        if (framing == Framing.CHUNKED) {
            ascii(out, "Transfer-Encoding: chunked\r\n");
        }
        if (close || framing == Framing.CLOSE) {
            ascii(out, "Connection: close\r\n");
        }
        return ascii(out, "\r\n");
    }

    /** The head that gives the connection over. */
    static ByteBuf hijack(ByteBufAllocator alloc, Answer.Switch answer, boolean upgrade, Optional<String> requestId) {
        ByteBuf out = alloc.buffer(384);
        if (upgrade) {
            ascii(
                    out,
                    "HTTP/1.1 101 UPGRADED\r\nContent-Type: " + answer.contentType()
                            + "\r\nConnection: Upgrade\r\nUpgrade: " + answer.protocol() + "\r\n");
            out.writeBytes(ALWAYS);
        } else {
            // The old way has no length: the bytes end with the connection.
            head(out, 200, answer.contentType(), Map.of(), requestId);
        }
        return ascii(out, "\r\n");
    }

    /** The head that makes the connection a WebSocket. */
    static ByteBuf webSocket(ByteBufAllocator alloc, Request.Handshake handshake) {
        ByteBuf out = alloc.buffer(384);
        ascii(
                out,
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
                        + handshake.accept() + "\r\n");
        handshake.protocol().ifPresent(protocol -> ascii(out, "Sec-WebSocket-Protocol: " + protocol + "\r\n"));
        return ascii(out.writeBytes(ALWAYS), "\r\n");
    }

    /** Chunks of a stream. */
    static ByteBuf chunks(ByteBufAllocator alloc, List<byte[]> chunks) {
        ByteBuf out = alloc.buffer(
                chunks.stream().mapToInt(bytes -> bytes.length + 12).sum());
        for (byte[] bytes : chunks) {
            ascii(out, Integer.toHexString(bytes.length));
            ascii(ascii(out, "\r\n").writeBytes(bytes), "\r\n");
        }
        return out;
    }

    /** What ends a stream of chunks. */
    static ByteBuf end(ByteBufAllocator alloc) {
        return alloc.buffer(STREAM_END.length).writeBytes(STREAM_END);
    }

    private static void head(
            ByteBuf out, int status, String contentType, Map<String, String> headers, Optional<String> requestId) {
        ascii(out, "HTTP/1.1 " + status + " " + reason(status) + "\r\n");
        out.writeBytes(ALWAYS);
        out.writeBytes(date());
        if (!contentType.isEmpty()) {
            ascii(out, "Content-Type: " + contentType + "\r\n");
        }
        headers.forEach((name, value) -> ascii(out, name + ": " + value + "\r\n"));
        requestId.ifPresent(id -> ascii(out, "X-Request-Id: " + id + "\r\n"));
    }

    private static byte[] date() {
        long now = System.currentTimeMillis() / 1000;
        Stamp latest = stamp;
        if (latest.second() != now) {
            String text = DateTimeFormatter.RFC_1123_DATE_TIME.format(ZonedDateTime.now(ZoneOffset.UTC));
            latest = new Stamp(now, ("Date: " + text + "\r\n").getBytes(StandardCharsets.US_ASCII));
            stamp = latest;
        }
        return latest.line();
    }

    /** Heads are ASCII, which Java keeps as Latin-1 does, so that nothing has to be looked at on the way. */
    static ByteBuf ascii(ByteBuf out, String text) {
        return out.writeBytes(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    private static String reason(int status) {
        return switch (status) {
            case 200 -> "OK";
            case 201 -> "Created";
            case 204 -> "No Content";
            case 301 -> "Moved Permanently";
            case 304 -> "Not Modified";
            case 400 -> "Bad Request";
            case 401 -> "Unauthorized";
            case 403 -> "Forbidden";
            case 404 -> "Not Found";
            case 409 -> "Conflict";
            case 413 -> "Request Entity Too Large";
            case 414 -> "Request URI Too Long";
            case 431 -> "Request Header Fields Too Large";
            case 500 -> "Internal Server Error";
            case 501 -> "Not Implemented";
            case 503 -> "Service Unavailable";
            default -> status < 400 ? "OK" : "Error";
        };
    }
}
