package dev.wharf.spi.kernel;

import dev.wharf.spi.DriverException;
import java.net.InetSocketAddress;
import org.osgi.annotation.versioning.ProviderType;

/**
 * Ports of the host kept from other programs. A courtesy of this process to its neighbours and not a truth: it ends with the
 * process and is taken again. A port that is only held answers nobody; a connection that reaches it is refused.
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

    /**
     * Holds a port as {@link #hold} does, and carries to {@code target} what reaches it: whatever no rule of the kernel leads
     * elsewhere, such as what comes from {@code ::1}, or all of a family of addresses that the target does not speak. The target
     * sees an address of this host's. Where the port is free and cannot be held, and for {@code sctp}, nothing is carried.
     *
     * @param target of either family, connected to for each connection anew; datagrams of one sender go on from one port
     */
    void carry(String owner, String protocol, String address, int port, InetSocketAddress target)
            throws DriverException;

    /** Lets go of every port of {@code owner}, and ends what was carried; none is fine. */
    void release(String owner);
}
