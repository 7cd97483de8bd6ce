package dev.wharf.runtime;

import dev.wharf.spi.runtime.LogCursor.LogLine;
import java.io.IOException;
import java.util.Optional;

/** A server that log lines are sent to over one connection, which is made anew after each failure. */
abstract class RemoteTarget implements LogTarget {
    private Optional<Line> line = Optional.empty();

    /** Opens a way to the server. */
    abstract Line connect() throws IOException;

    /** Sends a line over {@link #connected}. */
    abstract void post(LogLine line) throws IOException;

    final Line connected() throws IOException {
        if (line.isEmpty()) {
            line = Optional.of(connect());
        }
        return line.get();
    }

    @Override
    public void check() throws IOException {
        connected();
    }

    @Override
    public final void send(LogLine one) throws IOException {
        try {
            post(one);
        } catch (IOException e) {
            close();
            throw e;
        }
    }

    @Override
    public final void close() {
        try {
            if (line.isPresent()) {
                line.get().close();
            }
        } catch (IOException e) {
            // It is given up anyway.
        }
        line = Optional.empty();
    }
}
