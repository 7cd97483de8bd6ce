package dev.wharf.engine.http;

import java.nio.ByteBuffer;

/** A connection taken over raw. Safe to use from any thread; nothing here blocks. */
public interface Duplex {
    /** Sends a copy of the bytes, {@code head} first. False asks to wait for {@link #onWritable} before the next. */
    boolean send(byte[] head, ByteBuffer bytes);

    /** Calls {@code wake} once when more can be sent; may call at once. */
    void onWritable(Runnable wake);

    /** Hears what the client sends, from what it sent behind its request on. Call once. */
    void listen(Input input);

    /** Stops or resumes the client's input. */
    void reading(boolean wanted);

    /** Sends what is on its way and closes the connection. */
    void finish();

    /** Calls {@code gone} once when the client has gone away altogether; may call at once. Not called after finish. */
    void onGone(Runnable gone);

    /** Hears a client's input; calls come from one thread at a time and must not block. */
    interface Input {
        /** Bytes that are valid during the call only. */
        void bytes(ByteBuffer bytes);

        /** The client sends no more; it may still listen. */
        void ended();
    }
}
