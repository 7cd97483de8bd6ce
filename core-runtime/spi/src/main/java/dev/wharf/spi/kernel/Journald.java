package dev.wharf.spi.kernel;

import dev.wharf.spi.kernel.Descriptors.SocketType;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A way to journald, the host's log service, in its native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL): one datagram of
 * fields for each entry. Connects when it is first needed, and again after a failure. Safe to use from any thread.
 */
public final class Journald implements AutoCloseable {
    /** Where journald listens on every host that has it. */
    public static final Path SOCKET = Path.of("/run/systemd/journal/socket");

    /** A datagram has to fit into the socket's buffer; more would need a sealed memory file, which logs are not worth. */
    public static final int LONGEST_TEXT = 48 * 1024;

    private final Descriptors descriptors;
    private final Path socket;
    private final byte[] head;
    private int descriptor = -1;

    /** @param always the fields that every entry has */
    public Journald(Descriptors descriptors, Path socket, Map<String, String> always) {
        this.descriptors = descriptors;
        this.socket = socket;
        this.head = encoded(bytes(always));
    }

    /** The values of fields in UTF-8, in the same order. */
    public static Map<String, byte[]> bytes(Map<String, String> fields) {
        Map<String, byte[]> bytes = new LinkedHashMap<>();
        fields.forEach((name, value) -> bytes.put(name, value.getBytes(StandardCharsets.UTF_8)));
        return bytes;
    }

    /**
     * Sends one entry whole or not at all, and never waits: an IOException says that journald is away or does not keep up. A
     * field whose name journald would not take (systemd.journal-fields(7)) is left out.
     */
    public synchronized void send(Map<String, byte[]> fields) throws IOException {
        byte[] rest = encoded(fields);
        ByteBuffer entry = ByteBuffer.allocateDirect(head.length + rest.length);
        entry.put(head).put(rest).flip();
        if (descriptor < 0) {
            descriptor = descriptors.connect(socket, SocketType.DATAGRAM, true);
        }
        try {
            if (descriptors.write(descriptor, entry) == Descriptors.WOULD_BLOCK) {
                throw new IOException("journald does not keep up");
            }
        } catch (IOException e) {
            close();
            throw e;
        }
    }

    private static byte[] encoded(Map<String, byte[]> fields) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        fields.forEach((name, value) -> {
            if (!name.matches("[A-Z][A-Z0-9_]{0,63}")) {
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
        });
        return out.toByteArray();
    }

    @Override
    public synchronized void close() {
        if (descriptor >= 0) {
            descriptors.close(descriptor);
            descriptor = -1;
        }
    }
}
