package dev.wharf.spi.runtime;

import dev.wharf.spi.DriverException;
import dev.wharf.spi.runtime.StreamSink.StandardStream;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * A place in a log. The reader pulls, so a slow one costs nothing but its own time, and one that waits holds no thread. One
 * thread at a time.
 */
public interface LogCursor extends AutoCloseable {
    /** The next lines, empty when there are none now; {@link #isAtEnd} says whether more can come. */
    List<LogLine> poll() throws DriverException;

    /** Whether no line can come any more: not following, or the container has ended and all was read. */
    boolean isAtEnd();

    /** Calls {@code wake} once when {@link #poll} may have more or the end has come; may call at once. */
    void onMore(Runnable wake);

    @Override
    void close();

    /**
     * One line, whole even where it was stored in parts.
     *
     * @param epochSecond and {@code nanos} when it was written
     * @param bytes the line with its newline, where it had one
     */
    record LogLine(StandardStream stream, long epochSecond, int nanos, ByteBuffer bytes) {}
}
