package dev.wharf.runtime;

import static dev.wharf.spi.DriverException.failure;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.model.LogAddress;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure.Kind;
import dev.wharf.spi.runtime.LogCursor.LogLine;
import dev.wharf.spi.runtime.StreamSink.StandardStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.zip.Deflater;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.GZIPOutputStream;

/** Graylog and what takes its GELF 1.1: packed and in chunks over UDP, or over TCP with a zero byte after each message. */
final class GelfTarget extends RemoteTarget {
    private static final int ERROR = 3;
    private static final int INFORMATION = 6;

    /** A datagram that fits into a frame of an Ethernet, with the heads of most tunnels. */
    private static final int DATAGRAM = 1420;

    private static final int CHUNK_HEAD = 12;
    private static final ObjectMapper JSON = new ObjectMapper();

    private final String host = LogSettings.hostname();
    private final Map<String, String> fields;
    private final LogAddress address;
    private final int port;
    private final String packing;
    private final int level;
    private final Duration delay;
    private final long retries;

    GelfTarget(LogSettings settings) throws DriverException {
        this.fields = settings.fields();
        Map<String, String> options = settings.options();
        try {
            this.address = LogAddress.parse(options.getOrDefault("gelf-address", ""));
            this.port = Integer.parseInt(address.port());
            this.level = Integer.parseInt(options.getOrDefault("gelf-compression-level", "1"));
            this.delay = Duration.ofSeconds(Long.parseLong(options.getOrDefault("gelf-tcp-reconnect-delay", "1")));
            String tries = options.getOrDefault("gelf-tcp-max-reconnect", "");
            this.retries = tries.isEmpty() ? Long.MAX_VALUE : Long.parseLong(tries);
        } catch (IllegalArgumentException e) {
            throw failure(Kind.INVALID, "invalid options of the log driver gelf: " + e.getMessage(), e);
        }
        this.packing = options.getOrDefault("gelf-compression-type", "gzip");
    }

    @Override
    public void check() throws IOException {
        try {
            connected();
        } catch (IOException e) {
            throw new IOException(
                    "gelf: cannot connect to GELF endpoint: " + address.host() + ":" + address.port() + " "
                            + e.getMessage(),
                    e);
        }
    }

    /** Docker's reconnections are of a line that was tried once before. */
    @Override
    public Optional<Duration> pause(int failures) {
        return failures > retries ? Optional.empty() : Optional.of(delay);
    }

    @Override
    void post(LogLine one) throws IOException {
        for (byte[] text : LogTarget.pieces(one, USUAL_PIECE)) {
            // A message without a text is none to Graylog.
            if (text.length > 0) {
                post(message(one, text));
            }
        }
    }

    private byte[] message(LogLine one, byte[] text) throws IOException {
        ObjectNode node = JSON.createObjectNode()
                .put("version", "1.1")
                .put("host", host)
                .put("short_message", new String(text, StandardCharsets.UTF_8))
                .put("timestamp", BigDecimal.valueOf(one.epochSecond() * 1000 + one.nanos() / 1_000_000, 3))
                .put("level", one.stream() == StandardStream.ERR ? ERROR : INFORMATION);
        fields.forEach(node::put);
        return JSON.writeValueAsBytes(node);
    }

    private void post(byte[] message) throws IOException {
        if (address.scheme().equals("tcp")) {
            connected().write(Arrays.copyOf(message, message.length + 1), Line.PATIENCE);
            return;
        }
        byte[] packed = packed(message);
        if (packed.length <= DATAGRAM) {
            connected().write(packed, Line.PATIENCE);
            return;
        }
        int room = DATAGRAM - CHUNK_HEAD;
        int chunks = (packed.length + room - 1) / room;
        long id = ThreadLocalRandom.current().nextLong();
        for (int i = 0; i < chunks; i++) {
            int length = Math.min(room, packed.length - i * room);
            ByteBuffer chunk = ByteBuffer.allocate(CHUNK_HEAD + length)
                    .putShort((short) 0x1e0f)
                    .putLong(id)
                    .put((byte) i)
                    .put((byte) chunks)
                    .put(packed, i * room, length);
            connected().write(chunk.array(), Line.PATIENCE);
        }
    }

    private byte[] packed(byte[] message) throws IOException {
        if (packing.equals("none")) {
            return message;
        }
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(message.length);
        try (OutputStream out = packing.equals("zlib") ? new Zlib(bytes, level) : new Gzip(bytes, level)) {
            out.write(message);
        }
        return bytes.toByteArray();
    }

    private static final class Gzip extends GZIPOutputStream {
        Gzip(OutputStream out, int level) throws IOException {
            super(out);
            def.setLevel(level);
        }
    }

    private static final class Zlib extends DeflaterOutputStream {
        Zlib(OutputStream out, int level) {
            super(out, new Deflater(level));
        }

        @Override
        public void close() throws IOException {
            super.close();
            def.end();
        }
    }

    @Override
    Line connect() throws IOException {
        String server = address.host().isEmpty() ? "localhost" : address.host();
        return address.scheme().equals("tcp") ? Line.tcp(server, port) : Line.udp(server, port);
    }
}
