package dev.wharf.runtime;

import dev.wharf.spi.kernel.Descriptors;
import dev.wharf.spi.kernel.Descriptors.SocketType;
import dev.wharf.spi.runtime.LogCursor.LogLine;
import dev.wharf.spi.runtime.StreamSink.StandardStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;

/** Journald, in its native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL): one datagram of fields for each line. */
final class JournaldTarget implements LogTarget {
    static final Path SOCKET = Path.of("/run/systemd/journal/socket");

    /** A datagram has to fit into the socket's buffer; more would need a sealed memory file, which logs are not worth. */
    private static final int LONGEST_TEXT = 48 * 1024;

    private static final int ERROR = 3;
    private static final int INFORMATION = 6;

    private final Descriptors descriptors;
    private final Path socket;
    private final byte[] head;
    private int descriptor = -1;

    JournaldTarget(Descriptors descriptors, Path socket, LogSettings settings) {
        this.descriptors = descriptors;
        this.socket = socket;
        ByteArrayOutputStream fields = new ByteArrayOutputStream();
        for (Map.Entry<String, String> field : settings.fields().entrySet()) {
            put(fields, name(field.getKey()), field.getValue().getBytes(StandardCharsets.UTF_8));
        }
        put(fields, "CONTAINER_TAG", settings.tag().getBytes(StandardCharsets.UTF_8));
        put(fields, "SYSLOG_IDENTIFIER", settings.tag().getBytes(StandardCharsets.UTF_8));
        this.head = fields.toByteArray();
    }

    /** Journald takes names of capital letters, digits and underscores only, and none that begin with an underscore. */
    private static String name(String text) {
        return text.toUpperCase(Locale.ROOT).replaceAll("[^A-Z0-9_]", "_").replaceFirst("^[_0-9]+", "");
    }

    private static void put(ByteArrayOutputStream out, String name, byte[] value) {
        if (name.isEmpty()) {
            return;
        }
        out.writeBytes(name.getBytes(StandardCharsets.US_ASCII));
        out.write('\n');
        out.writeBytes(ByteBuffer.allocate(8)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(value.length)
                .array());
        out.writeBytes(value);
        out.write('\n');
    }

    @Override
    public void send(LogLine line) throws IOException {
        ByteBuffer text = line.bytes().duplicate();
        if (text.hasRemaining() && text.get(text.limit() - 1) == '\n') {
            text.limit(text.limit() - 1);
        }
        do {
            byte[] piece = new byte[Math.min(LONGEST_TEXT, text.remaining())];
            text.get(piece);
            send(line, piece, text.hasRemaining());
        } while (text.hasRemaining());
    }

    private void send(LogLine line, byte[] text, boolean partial) throws IOException {
        ByteArrayOutputStream entry = new ByteArrayOutputStream(head.length + text.length + 100);
        entry.writeBytes(head);
        int priority = line.stream() == StandardStream.ERR ? ERROR : INFORMATION;
        put(entry, "PRIORITY", Integer.toString(priority).getBytes(StandardCharsets.US_ASCII));
        long micros = line.epochSecond() * 1_000_000 + line.nanos() / 1000;
        put(entry, "SYSLOG_TIMESTAMP", Long.toString(micros).getBytes(StandardCharsets.US_ASCII));
        if (partial) {
            put(entry, "CONTAINER_PARTIAL_MESSAGE", "true".getBytes(StandardCharsets.US_ASCII));
        }
        put(entry, "MESSAGE", text);
        if (descriptor < 0) {
            descriptor = descriptors.connect(socket, SocketType.DATAGRAM, true);
        }
        try {
            if (descriptors.write(descriptor, ByteBuffer.wrap(entry.toByteArray())) == Descriptors.WOULD_BLOCK) {
                throw new IOException("journald does not keep up");
            }
        } catch (IOException e) {
            close();
            throw e;
        }
    }

    @Override
    public void close() {
        if (descriptor >= 0) {
            descriptors.close(descriptor);
            descriptor = -1;
        }
    }
}
