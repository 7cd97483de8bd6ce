package dev.wharf.spi.kernel;

import dev.wharf.spi.DriverException;
import dev.wharf.spi.kernel.Links.Link;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.osgi.annotation.versioning.ProviderType;

/**
 * Devices that share another one's wire, and what stands inside sandboxes, by rtnetlink(7) with the manners of
 * {@link Links}. A child lives in its sandbox alone, so whoever looks for it looks there.
 */
@ProviderType
public interface ChildLinks {
    /** Whether the kernel knows devices of this kind, such as {@code macvlan}; asks it, and makes nothing. */
    boolean knows(String kind) throws DriverException;

    /** The device of the host that has the address. */
    Optional<Link> holding(String address) throws DriverException;

    /**
     * Makes sure of a device that children can stand on and sets it up; one that is there already is taken as it is.
     * UNSUPPORTED where the kernel has no such kind.
     */
    Link parent(Parent parent) throws DriverException;

    /**
     * Makes a child inside a sandbox, up, with addresses and routes. MISSING where parent or sandbox are not there, EXISTS
     * where the name inside is taken by something with another alias.
     */
    Link place(Child child, Path sandbox) throws DriverException;

    /** Every device inside the sandbox now. MISSING where there is no such sandbox. */
    List<Link> inside(Path sandbox) throws DriverException;

    /** Writes the alias of a device inside a sandbox. */
    void alias(Path sandbox, String name, String alias) throws DriverException;

    /** Removes a device inside a sandbox; gone is fine, and so is a sandbox that is gone. */
    void remove(Path sandbox, String name) throws DriverException;

    /**
     * A device to stand on.
     *
     * @param kind {@code vlan} for a part of another device's wire, {@code dummy} or {@code bridge} for one without a wire
     * @param lower the device that a VLAN is a part of, otherwise empty
     * @param vlan the VLAN's number
     */
    record Parent(String name, String kind, String lower, int vlan, String alias) {}

    /**
     * A child to make.
     *
     * @param kind {@code macvlan} or {@code ipvlan}
     * @param parent the name of the device it stands on
     * @param mode in the words of ip-link(8): {@code bridge}, {@code private}, {@code vepa}, {@code passthru}; {@code l2},
     *     {@code l3}, {@code l3s}
     * @param flag of an ipvlan: {@code bridge}, {@code private} or {@code vepa}; otherwise empty
     * @param mac empty for the kernel's choice
     * @param mtu in bytes, 0 for the parent's
     * @param addresses with prefix length
     * @param gateways of default routes, at most one per family
     * @param direct whether default routes lead to the device itself, as an ipvlan's of layer 3 do, which has no neighbours
     * @param metric of default routes
     */
    record Child(
            String kind,
            String parent,
            String name,
            String mode,
            String flag,
            String mac,
            int mtu,
            List<String> addresses,
            List<String> gateways,
            boolean direct,
            int metric,
            String alias) {
        public Child {
            addresses = List.copyOf(addresses);
            gateways = List.copyOf(gateways);
        }
    }
}
