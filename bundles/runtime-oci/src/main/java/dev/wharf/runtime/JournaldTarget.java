package dev.wharf.runtime;

import dev.wharf.spi.kernel.Descriptors;
import dev.wharf.spi.kernel.Journald;
import dev.wharf.spi.runtime.LogCursor.LogLine;
import dev.wharf.spi.runtime.StreamSink.StandardStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Journald: one entry for each line, with the container's fields. */
final class JournaldTarget implements LogTarget {
    private static final int ERROR = 3;
    private static final int INFORMATION = 6;

    private final Path socket;
    private final Journald journald;

    JournaldTarget(Descriptors descriptors, Path socket, LogSettings settings) {
        Map<String, String> always = new LinkedHashMap<>();
        settings.fields().forEach((name, value) -> always.put(name(name), value));
        always.put("CONTAINER_TAG", settings.tag());
        always.put("SYSLOG_IDENTIFIER", settings.tag());
        this.socket = socket;
        this.journald = new Journald(descriptors, socket, always);
    }

    /** Journald takes names of capital letters, digits and underscores only, and none that begin with an underscore. */
    private static String name(String text) {
        return text.toUpperCase(Locale.ROOT).replaceAll("[^A-Z0-9_]", "_").replaceFirst("^[_0-9]+", "");
    }

    @Override
    public void check() throws IOException {
        if (!Files.exists(socket)) {
            throw new IOException("journald is not enabled on this host");
        }
    }

    @Override
    public void send(LogLine line) throws IOException {
        List<byte[]> pieces = LogTarget.pieces(line, Journald.LONGEST_TEXT);
        for (int i = 0; i < pieces.size(); i++) {
            send(line, pieces.get(i), i < pieces.size() - 1);
        }
    }

    private void send(LogLine line, byte[] text, boolean partial) throws IOException {
        int priority = line.stream() == StandardStream.ERR ? ERROR : INFORMATION;
        long micros = line.epochSecond() * 1_000_000 + line.nanos() / 1000;
        Map<String, byte[]> entry = new LinkedHashMap<>();
        entry.put("PRIORITY", ascii(Integer.toString(priority)));
        entry.put("SYSLOG_TIMESTAMP", ascii(Long.toString(micros)));
        if (partial) {
            entry.put("CONTAINER_PARTIAL_MESSAGE", ascii("true"));
        }
        entry.put("MESSAGE", text);
        journald.send(entry);
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    @Override
    public void close() {
        journald.close();
    }
}
