package dev.wharf.runtime;

import dev.wharf.spi.kernel.Descriptors;
import java.io.IOException;
import java.nio.ByteBuffer;

/** How a hub reaches a process's streams. Called with the hub's lock held, so by one thread at a time; nothing ever waits. */
interface Wire extends AutoCloseable {
    /** What the first byte of each packet that was read may be. */
    byte STDOUT = 2;

    byte STDERR = 3;

    /** Makes a wire that says when there is something to read or room to write. */
    interface Connector {
        Wire connect(Descriptors.Ready ready) throws IOException;
    }

    /** Says what to call for. */
    void want(boolean readable, boolean writable) throws IOException;

    /**
     * Reads a packet: a byte for the stream, then what came on it. Answers with its length, {@link Descriptors#END} or
     * {@link Descriptors#WOULD_BLOCK}.
     */
    int read(ByteBuffer into) throws IOException;

    /** Writes to the process's input what there is room for. Answers as {@link Descriptors#write} does. */
    int write(ByteBuffer from) throws IOException;

    /** Lets the process read the end of its input. */
    void endInput() throws IOException;

    /** Whether somebody else reads on when this is closed, and says when all was read. */
    boolean isMonitored();

    @Override
    void close();
}
