package dev.wharf.runtime;

import dev.wharf.spi.runtime.LogCursor.LogLine;
import java.io.Closeable;
import java.io.IOException;

/** Where lines of a log are sent on to. A line whose sending failed was not taken and may be sent again. */
interface LogTarget extends Closeable {
    /** Sends a line, without its newline; connects first where there is no connection. */
    void send(LogLine line) throws IOException;

    @Override
    void close();
}
