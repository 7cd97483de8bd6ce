package dev.wharf.spi.kernel;

import java.io.IOException;
import org.osgi.annotation.versioning.ProviderType;

/** Sends single messages to unix sockets of other programs, which Java itself cannot. */
@ProviderType
public interface Datagrams {
    /**
     * Sends a message whole or not at all; waits while the receiver's queue is full.
     *
     * @param address the socket's absolute path, or a name in the abstract namespace after an {@code @}
     */
    void send(String address, byte[] message) throws IOException;
}
