package dev.wharf.spi.kernel;

import dev.wharf.spi.DriverException;
import java.nio.file.Path;
import org.osgi.annotation.versioning.ProviderType;

/** Leads what a sandbox says to one of its own loopback addresses to another port there, unseen by whoever says it. */
@ProviderType
public interface Diversions {
    /**
     * Replaces the sandbox's diversion. The address' own port stays free for others in the sandbox. Takes well under a
     * millisecond and no lock of anybody else; MISSING where there is no such sandbox.
     *
     * @param address an IPv4 address of the sandbox's loopback, such as {@code 127.0.0.11}
     * @param port where its processes send to, such as 53
     * @param udp where datagrams go, and {@code tcp} where connections go
     */
    void divert(Path sandbox, String address, int port, int udp, int tcp) throws DriverException;
}
