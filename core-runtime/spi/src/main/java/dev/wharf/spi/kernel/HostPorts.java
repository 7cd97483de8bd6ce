package dev.wharf.spi.kernel;

import dev.wharf.spi.DriverException;
import org.osgi.annotation.versioning.ProviderType;

/**
 * Ports of the host kept from other programs. A courtesy of this process to its neighbours and not a truth: it ends with the
 * process and is taken again. A held port answers nobody; a connection that reaches it is refused.
 */
@ProviderType
public interface HostPorts {
    /**
     * Holds a port for {@code owner}; again is fine. EXISTS with the text {@code Bind for HOST:PORT failed: port is already
     * allocated} where another owner or another program has it, MISSING where the host has no such address. What the kernel
     * cannot speak nobody can take, and it counts as held.
     *
     * @param protocol {@code tcp}, {@code udp} or {@code sctp}
     * @param address {@code 0.0.0.0}, {@code ::} or one address of the host
     */
    void hold(String owner, String protocol, String address, int port) throws DriverException;

    /** Lets go of every port of {@code owner}; none is fine. */
    void release(String owner);
}
