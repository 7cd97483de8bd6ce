package dev.wharf.spi.runtime;

import java.nio.ByteBuffer;

/** A client's hold on the streams of a process. Safe to use from any thread. Closing it leaves the process alone. */
public interface Attachment extends AutoCloseable {
    /** Sends input, copying it; false asks to wait for {@link StreamSink#writable} before the next. */
    boolean write(ByteBuffer input);

    /** Ends the process's standard input, after everything written before. Output goes on. */
    void closeInput();

    /** Stops or resumes delivery of output. */
    void reading(boolean wanted);

    @Override
    void close();
}
