package dev.wharf.buildkit;

import java.nio.ByteBuffer;

/** A connection whose bytes are HTTP/2 from here on. Safe to use from any thread; nothing here blocks. */
public interface Line {
    /** Sends a copy of the bytes. False asks to wait for {@link #onWritable} before the next. */
    boolean send(ByteBuffer bytes);

    /** Calls {@code wake} once when more can be sent; may call at once. */
    void onWritable(Runnable wake);

    /** Hears what the other end sends. Called once. */
    void listen(Input input);

    /** Stops or resumes the input. */
    void reading(boolean wanted);

    /** Sends what is on its way and closes the connection. */
    void finish();

    /** Calls {@code gone} once when the other end has gone away; may call at once. */
    void onGone(Runnable gone);

    /** Hears the other end; calls come from one thread at a time and must not block. */
    interface Input {
        /** Bytes that are valid during the call only. */
        void bytes(ByteBuffer bytes);

        /** Nothing more comes. */
        void ended();
    }
}
