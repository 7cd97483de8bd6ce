package dev.wharf.runtime;

import dev.wharf.spi.DriverException;
import dev.wharf.spi.kernel.Descriptors;
import dev.wharf.spi.kernel.Journald;
import dev.wharf.spi.runtime.LogCursor.LogLine;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Where lines of a log are sent on to. A line whose sending failed was not taken and may be sent again. */
interface LogTarget extends Closeable {
    /** Docker's clients know lines in pieces of so many bytes. */
    int USUAL_PIECE = 16 * 1024;

    /** Where the log is to go that is so set. */
    static LogTarget of(Descriptors descriptors, LogSettings settings) throws DriverException {
        return switch (settings.driver()) {
            case "journald" -> new JournaldTarget(descriptors, Journald.SOCKET, settings);
            case "fluentd" -> new FluentdTarget(descriptors, settings);
            case "gelf" -> new GelfTarget(settings);
            default -> new SyslogTarget(descriptors, settings);
        };
    }

    /** Fails where nothing can be sent now, and so no container is to be started. */
    void check() throws IOException;

    /** Sends a line, without its newline; connects first where there is no connection. */
    void send(LogLine line) throws IOException;

    /** How long to wait before a line is tried again that failed so often, empty where it is given up. */
    default Optional<Duration> pause(int failures) {
        return Optional.of(Duration.ofSeconds(1));
    }

    @Override
    void close();

    /** The text of a line without its newline, cut into pieces no longer than that; an empty line is one. */
    static List<byte[]> pieces(LogLine line, int longest) {
        ByteBuffer text = line.bytes().duplicate();
        if (text.hasRemaining() && text.get(text.limit() - 1) == '\n') {
            text.limit(text.limit() - 1);
        }
        List<byte[]> pieces = new ArrayList<>();
        do {
            byte[] piece = new byte[Math.min(longest, text.remaining())];
            text.get(piece);
            pieces.add(piece);
        } while (text.hasRemaining());
        return pieces;
    }
}
