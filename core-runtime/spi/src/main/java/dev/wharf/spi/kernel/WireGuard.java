package dev.wharf.spi.kernel;

import dev.wharf.spi.DriverException;
import dev.wharf.spi.kernel.Links.Link;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.osgi.annotation.versioning.ProviderType;

/** Encrypted links between hosts by the kernel's WireGuard, with the manners of {@link Links}. */
@ProviderType
public interface WireGuard {
    /** Whether this kernel has it; asks, and makes nothing. */
    boolean isKnown() throws DriverException;

    /**
     * Makes sure of the device with its key, port and address, and sets it up. Whom it knows stays as it is. UNSUPPORTED
     * where the kernel has no such devices, EXISTS where another kind of device has the name or another program the port.
     */
    Link device(Device device) throws DriverException;

    /** Makes the device know exactly these others; sessions with those that it knew before go on. */
    void know(String device, Set<Other> others) throws DriverException;

    /** How the device stands now; empty where there is none of that name. */
    Optional<State> state(String device) throws DriverException;

    /**
     * A device to make.
     *
     * @param secret the private key, 32 bytes; it is given to the kernel and kept nowhere
     * @param port the UDP port that others send to
     * @param address of this end inside, with prefix length
     * @param mtu in bytes, 0 for the kernel's choice
     */
    record Device(String name, byte[] secret, int port, String address, int mtu, String alias) {}

    /**
     * Somebody at the other end.
     *
     * @param key the public key in Base64, as wg(8) writes it
     * @param host the address that encrypted packets are sent to
     * @param port the UDP port there
     * @param inside the addresses that are behind it, with prefix length; packets from others are dropped
     */
    record Other(String key, String host, int port, List<String> inside) {
        public Other {
            inside = inside.stream().sorted().toList();
        }
    }

    /**
     * What the kernel says, but for the private key.
     *
     * @param key the public key in Base64, empty where the device has none yet
     */
    record State(String key, int port, Set<Other> others) {
        public State {
            others = Set.copyOf(others);
        }
    }
}
