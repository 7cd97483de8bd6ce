package dev.wharf.linux.net;

import static dev.wharf.linux.net.LinuxLinks.IFF_UP;
import static dev.wharf.linux.net.LinuxLinks.IFLA_IFALIAS;
import static dev.wharf.linux.net.LinuxLinks.IFLA_IFNAME;
import static dev.wharf.linux.net.LinuxLinks.IFLA_LINKINFO;
import static dev.wharf.linux.net.LinuxLinks.IFLA_MTU;
import static dev.wharf.linux.net.LinuxLinks.INFO_KIND;
import static dev.wharf.linux.net.Request.NLM_F_CREATE;
import static dev.wharf.linux.net.Request.NLM_F_EXCL;
import static dev.wharf.linux.net.Request.RTM_NEWLINK;

import dev.wharf.linux.libc.Errno;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.kernel.Links.Link;
import dev.wharf.spi.kernel.WireGuard;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** WireGuard devices, made by rtnetlink and told of keys by generic netlink. Holds no state, and no key longer than a call. */
@Component(service = WireGuard.class)
public final class LinuxWireGuard implements WireGuard {
    private static final String KIND = "wireguard";
    /** As many as fit into a message, and into the list in it whose length has 16 bits. */
    private static final int BATCH = 200;

    private final HomeNetwork home;

    @Activate
    public LinuxWireGuard(@Reference HomeNetwork home) {
        this.home = home;
    }

    @Override
    public boolean isKnown() throws DriverException {
        return home.converse(
                "ask for WireGuard",
                Netlink::generic,
                generic -> family(generic).isPresent());
    }

    private static Optional<Integer> family(Netlink generic) throws NetlinkException {
        try {
            return generic.find(WireGuardMessages.family())
                    .map(WireGuardMessages::family)
                    .filter(number -> number != 0);
        } catch (NetlinkException e) {
            if (e.errno() == Errno.ENOENT) {
                return Optional.empty();
            }
            throw e;
        }
    }

    private static int there(Netlink generic) throws NetlinkException, DriverException {
        return family(generic)
                .orElseThrow(() -> DriverException.failure(
                        Failure.Kind.UNSUPPORTED, "this kernel has no WireGuard (CONFIG_WIREGUARD)"));
    }

    @Override
    public Link device(Device device) throws DriverException {
        String name = LinuxLinks.checked(device.name());
        Address address = Address.parse(device.address());
        return home.converse("make WireGuard device " + name, Netlink::generic, generic -> {
            int family = there(generic);
            try (Netlink netlink = new Netlink()) {
                make(netlink, device);
                generic.run(WireGuardMessages.device(family, name, device.secret(), device.port()));
                if (address.isIpv6()) {
                    enableIpv6(name);
                }
                int index = found(netlink, name).index();
                netlink.run(
                        LinuxLinks.newAddress(address, index, name),
                        Request.change("set " + name + " up", RTM_NEWLINK, 0)
                                .link(0, index, IFF_UP, IFF_UP)
                                .attribute(IFLA_IFALIAS, device.alias()));
                return found(netlink, name);
            } catch (NetlinkException e) {
                if (e.errno() == Errno.EADDRINUSE) {
                    throw DriverException.failure(
                            Failure.Kind.EXISTS,
                            "cannot make WireGuard device " + name + ": another program has UDP port " + device.port(),
                            e);
                }
                throw e;
            }
        });
    }

    private static void make(Netlink netlink, Device device) throws NetlinkException, DriverException {
        Optional<Link> found = LinuxLinks.find(netlink, device.name());
        if (found.isEmpty()) {
            Request request = Request.change(
                            "make WireGuard device " + device.name(), RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL)
                    .link(0, 0, 0, 0)
                    .attribute(IFLA_IFNAME, device.name());
            if (device.mtu() > 0) {
                request.attribute(IFLA_MTU, device.mtu());
            }
            netlink.run(request.nest(IFLA_LINKINFO, info -> info.attribute(INFO_KIND, KIND)));
        } else if (!found.get().kind().equals(KIND)) {
            throw DriverException.failure(
                    Failure.Kind.EXISTS,
                    "cannot make WireGuard device " + device.name() + ": there is a device of that name and of kind \""
                            + found.get().kind() + "\"");
        }
    }

    /** Hosts that want no IPv6 on new devices still have it in the kernel; nothing of it is seen on a wire. */
    private static void enableIpv6(String name) throws IOException {
        Path off = Path.of("/proc/sys/net/ipv6/conf", name, "disable_ipv6");
        if (Files.exists(off)) {
            Files.writeString(off, "0");
        }
    }

    @Override
    public void know(String device, Set<Other> others) throws DriverException {
        String name = LinuxLinks.checked(device);
        Set<Other> wanted = WireGuardMessages.canonical(others);
        home.converse("tell " + name + " who is at its other ends", Netlink::generic, generic -> {
            int family = there(generic);
            Set<Other> present =
                    WireGuardMessages.state(dump(generic, family, name)).others();
            Set<String> keys = wanted.stream().map(Other::key).collect(Collectors.toSet());
            List<Other> leave = new ArrayList<>(present);
            leave.removeIf(other -> keys.contains(other.key()));
            // Whoever is there as wanted is not touched, or the session would begin anew.
            Set<Other> come = new HashSet<>(wanted);
            come.removeAll(present);
            for (List<Other> some : batches(leave)) {
                generic.run(WireGuardMessages.removal(family, name, some));
            }
            for (List<Other> some : batches(new ArrayList<>(come))) {
                generic.run(WireGuardMessages.addition(family, name, some));
            }
            return name;
        });
    }

    private static List<List<Other>> batches(List<Other> all) {
        List<List<Other>> batches = new ArrayList<>();
        for (int at = 0; at < all.size(); at += BATCH) {
            batches.add(all.subList(at, Math.min(all.size(), at + BATCH)));
        }
        return batches;
    }

    @Override
    public Optional<State> state(String device) throws DriverException {
        return home.converse("ask how " + device + " stands", Netlink::generic, generic -> {
            Optional<Integer> family = family(generic);
            try {
                return family.isEmpty()
                        ? Optional.empty()
                        : Optional.of(WireGuardMessages.state(dump(generic, family.get(), device)));
            } catch (NetlinkException e) {
                // The second is said where the device is none of WireGuard's.
                if (e.errno() == Errno.ENODEV || e.errno() == Errno.EOPNOTSUPP) {
                    return Optional.empty();
                }
                throw e;
            }
        });
    }

    private static List<ByteBuffer> dump(Netlink generic, int family, String name) throws NetlinkException {
        return generic.dump(WireGuardMessages.state(family, name));
    }

    private static Link found(Netlink netlink, String name) throws NetlinkException {
        return LinuxLinks.find(netlink, name).orElseThrow(() -> new NetlinkException(Errno.ENODEV, "make " + name, ""));
    }
}
