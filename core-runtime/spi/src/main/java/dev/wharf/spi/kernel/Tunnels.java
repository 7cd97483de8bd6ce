package dev.wharf.spi.kernel;

import dev.wharf.spi.DriverException;
import dev.wharf.spi.kernel.Links.Link;
import java.util.List;
import java.util.Set;
import org.osgi.annotation.versioning.ProviderType;

/** Tunnels between hosts that carry the frames of a bridge, by rtnetlink(7) with the manners of {@link Links}. */
@ProviderType
public interface Tunnels {
    /**
     * Makes the tunnel's device a port of its bridge and sets it up; one of other numbers or ends is made anew. EXISTS where
     * another device has the same number and port.
     */
    Link vxlan(Vxlan vxlan) throws DriverException;

    /**
     * Makes the tunnel lead to exactly these: what lacks is added, what is not among them removed, and what the kernel has
     * learnt by itself is left to it. MISSING where tunnel or bridge are not there.
     */
    void lead(String tunnel, String bridge, Set<Destination> destinations) throws DriverException;

    /** Where the tunnel is told to lead now. */
    Set<Destination> destinations(String tunnel, String bridge) throws DriverException;

    /**
     * A tunnel as in RFC 7348.
     *
     * @param number the network's identifier (VNI)
     * @param local the address of this end
     * @param lower the device that frames go out by and come in by, and no other; needs a link-local address as this end and
     *     those of hosts. Empty where any will do
     * @param port the UDP port of both ends
     * @param mtu in bytes, 0 for the kernel's choice
     */
    record Vxlan(String name, String bridge, int number, String local, String lower, int port, int mtu, String alias) {}

    /**
     * Where frames are to be sent.
     *
     * @param mac whose frames; {@link #EVERYBODY} for those that nobody knows a better way for
     * @param host the address of the tunnel's other end
     * @param addresses what {@code mac} answers for, so that nobody has to be asked; empty where that is not known
     */
    record Destination(String mac, String host, List<String> addresses) {
        public static final String EVERYBODY = "00:00:00:00:00:00";

        public Destination {
            addresses = addresses.stream().sorted().toList();
        }
    }
}
