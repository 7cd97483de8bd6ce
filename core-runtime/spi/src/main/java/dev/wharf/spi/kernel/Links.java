package dev.wharf.spi.kernel;

import dev.wharf.spi.DriverException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.osgi.annotation.versioning.ProviderType;

/**
 * Network devices, addresses and routes of the daemon's own network namespace, by rtnetlink(7); no process is started.
 * Calls may be repeated: what is there already is made to fit. Safe to use from any thread.
 */
@ProviderType
public interface Links {
    /** The device of that name, if there is one. */
    Optional<Link> find(String name) throws DriverException;

    /** Every device there is now. */
    List<Link> list() throws DriverException;

    /** Makes the bridge, or makes it whole, and sets it up. EXISTS where the name belongs to a device of another kind. */
    Link bridge(Bridge bridge) throws DriverException;

    /**
     * Makes a pair of devices, one end on a bridge and one inside a sandbox, up, with addresses and routes, in one
     * conversation. MISSING where bridge or sandbox are not there, EXISTS where the name inside is taken.
     */
    Link join(Veth veth, Path sandbox) throws DriverException;

    /** Where the host's routes lead, of both families, but for default routes, its own addresses and multicast. */
    List<Route> routes() throws DriverException;

    /** Writes a device's alias (ip-link(8)), which holds what its maker wants to know about it later. */
    void alias(String name, String alias) throws DriverException;

    /** Removes the device, its peer with it; waits for the kernel to do so, some 20 ms for a pair. Gone is fine. */
    void remove(String name) throws DriverException;

    /** Reads a value below /proc/sys/net, such as {@code ipv4/ip_forward}; empty where the kernel has no such key. */
    Optional<String> sysctl(String key) throws DriverException;

    /** Writes a value below /proc/sys/net unless it is there already. */
    void sysctl(String key, String value) throws DriverException;

    /**
     * A device as the kernel has it.
     *
     * @param kind such as {@code bridge} or {@code veth}, empty for hardware
     * @param master the index of the bridge it is on, 0 for none
     * @param alias what was written there, or empty
     */
    record Link(int index, String name, String kind, String mac, int mtu, boolean up, int master, String alias) {}

    /**
     * A route of the host.
     *
     * @param destination with prefix length
     * @param device the name of the device it leaves by, or empty
     * @param connected whether the destination is a network the host itself is on
     */
    record Route(String destination, String device, boolean connected) {}

    /**
     * A bridge to make.
     *
     * @param mac empty for one that the kernel chooses
     * @param addresses with prefix length; others of the same family are removed
     * @param mtu in bytes, 0 for the kernel's own choice
     */
    record Bridge(String name, String mac, int mtu, List<String> addresses, String alias) {
        public Bridge {
            addresses = List.copyOf(addresses);
        }
    }

    /**
     * A pair of devices to make.
     *
     * @param hostName the name of the end on the bridge
     * @param bridge the bridge's name
     * @param innerName the name of the end inside the sandbox
     * @param mac of the end inside; empty for one that the kernel chooses
     * @param mtu of both ends in bytes, 0 for the kernel's own choice
     * @param addresses of the end inside, with prefix length
     * @param gateways of default routes inside, at most one per family
     * @param metric of those routes: of several default routes the one with the lowest is taken
     * @param hairpin whether what came from the port may go back through it
     * @param isolated whether it hears nothing from other isolated ports
     */
    record Veth(
            String hostName,
            String bridge,
            String innerName,
            String mac,
            int mtu,
            List<String> addresses,
            List<String> gateways,
            int metric,
            boolean hairpin,
            boolean isolated,
            String alias) {
        public Veth {
            addresses = List.copyOf(addresses);
            gateways = List.copyOf(gateways);
        }
    }
}
