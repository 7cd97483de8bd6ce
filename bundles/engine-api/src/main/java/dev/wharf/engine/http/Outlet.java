package dev.wharf.engine.http;

import java.io.OutputStream;
import java.util.List;

/** The body of a streamed answer. Safe to use from any thread; nothing here blocks but {@link #blocking}. */
public interface Outlet {
    /**
     * Sends bytes, which must not be changed afterwards, as one chunk and flushes them. False asks to wait for
     * {@link #onWritable} before the next; what was sent is sent all the same.
     */
    default boolean send(byte[] bytes) {
        return send(List.of(bytes));
    }

    /** The same with several chunks, which are flushed together. */
    boolean send(List<byte[]> chunks);

    /** Calls {@code wake} once when more can be sent; may call at once. */
    void onWritable(Runnable wake);

    /** Ends the answer. */
    void end();

    /** Breaks the answer off, so that the client does not take it for whole. */
    void abort();

    /** Calls {@code gone} once when the client has gone away; may call at once. Not called after {@link #end}. */
    void onGone(Runnable gone);

    boolean isGone();

    /** The outlet as a stream that waits for the client, for worker threads only. Closing it ends the answer. */
    OutputStream blocking();
}
