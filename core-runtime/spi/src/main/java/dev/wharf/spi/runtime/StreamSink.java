package dev.wharf.spi.runtime;

import java.nio.ByteBuffer;

/**
 * Hears what a process writes. Calls come from one thread at a time and must not block; a slow receiver stops the flow with
 * {@link Attachment#reading}.
 */
public interface StreamSink {
    /** Bytes of stdout, stderr or the terminal; valid during the call only. */
    void bytes(StandardStream stream, ByteBuffer bytes);

    /** More input may be written after {@link Attachment#write} said to wait. */
    void writable();

    /** The last call: every byte was delivered and the process closed its streams, or the attachment broke. */
    void closed();

    /** The output streams of a process; a terminal has only {@link #OUT}. */
    enum StandardStream {
        OUT,
        ERR
    }
}
