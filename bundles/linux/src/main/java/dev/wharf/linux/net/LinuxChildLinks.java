package dev.wharf.linux.net;

import static dev.wharf.linux.libc.LibC.O_CLOEXEC;
import static dev.wharf.linux.libc.LibC.O_RDONLY;
import static dev.wharf.linux.net.LinuxLinks.IFF_UP;
import static dev.wharf.linux.net.LinuxLinks.IFLA_ADDRESS;
import static dev.wharf.linux.net.LinuxLinks.IFLA_IFALIAS;
import static dev.wharf.linux.net.LinuxLinks.IFLA_IFNAME;
import static dev.wharf.linux.net.LinuxLinks.IFLA_LINKINFO;
import static dev.wharf.linux.net.LinuxLinks.IFLA_MTU;
import static dev.wharf.linux.net.LinuxLinks.IFLA_NET_NS_FD;
import static dev.wharf.linux.net.LinuxLinks.INFO_DATA;
import static dev.wharf.linux.net.LinuxLinks.INFO_KIND;
import static dev.wharf.linux.net.LinuxLinks.find;
import static dev.wharf.linux.net.Request.NLM_F_CREATE;
import static dev.wharf.linux.net.Request.NLM_F_DUMP;
import static dev.wharf.linux.net.Request.NLM_F_EXCL;
import static dev.wharf.linux.net.Request.NLM_F_REPLACE;
import static dev.wharf.linux.net.Request.RTM_DELLINK;
import static dev.wharf.linux.net.Request.RTM_GETADDR;
import static dev.wharf.linux.net.Request.RTM_NEWLINK;
import static dev.wharf.linux.net.Request.RTM_NEWROUTE;

import dev.wharf.linux.libc.CString;
import dev.wharf.linux.libc.Errno;
import dev.wharf.linux.libc.LibC;
import dev.wharf.linux.net.Netlink.Attributes;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.kernel.ChildLinks;
import dev.wharf.spi.kernel.Links.Link;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** Children of devices by rtnetlink. Holds no state; each call is a conversation of its own. */
@Component(service = ChildLinks.class)
public final class LinuxChildLinks implements ChildLinks {
    private static final int IFLA_LINK = 5;
    private static final int VLAN_ID = 1;
    private static final int MACVLAN_MODE = 1;
    private static final int IPVLAN_MODE = 1;
    private static final int IPVLAN_FLAGS = 2;
    private static final int SCOPE_LINK = 253;
    private static final Map<String, Integer> MACVLAN_MODES =
            Map.of("private", 1, "vepa", 2, "bridge", 4, "passthru", 8);
    private static final Map<String, Integer> IPVLAN_MODES = Map.of("l2", 0, "l3", 1, "l3s", 2);
    private static final Map<String, Integer> IPVLAN_FLAG_BITS = Map.of("", 0, "bridge", 0, "private", 1, "vepa", 2);

    private final LibC libc = LibC.get();
    private final HomeNetwork home;

    @Activate
    public LinuxChildLinks(@Reference HomeNetwork home) {
        this.home = home;
    }

    @Override
    public boolean knows(String kind) throws DriverException {
        return home.converse("ask for devices of kind " + kind, netlink -> {
            try {
                // Such a child needs a parent: where the kernel knows the kind it asks for that, and makes nothing.
                netlink.run(Request.change("ask for " + kind, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL)
                        .link(0, 0, 0, 0)
                        .nest(IFLA_LINKINFO, info -> info.attribute(INFO_KIND, kind)));
                return true;
            } catch (NetlinkException e) {
                return e.errno() != Errno.EOPNOTSUPP;
            }
        });
    }

    @Override
    public Optional<Link> holding(String address) throws DriverException {
        Address wanted = Address.parse(address);
        return home.converse("look for the device with " + address, netlink -> {
            Request question =
                    Request.question("list addresses", RTM_GETADDR, NLM_F_DUMP).address(wanted.family(), 0, 0, 0, 0);
            for (ByteBuffer message : netlink.dump(question)) {
                Attributes attributes = new Attributes(message, 8);
                byte[] bytes = attributes
                        .find(LinuxLinks.IFA_LOCAL)
                        .or(() -> attributes.find(LinuxLinks.IFA_ADDRESS))
                        .map(LinuxLinks::bytes)
                        .orElse(new byte[0]);
                if (Arrays.equals(bytes, wanted.bytes())) {
                    int index = message.getInt(4);
                    return LinuxLinks.list(netlink).stream()
                            .filter(link -> link.index() == index)
                            .findFirst();
                }
            }
            return Optional.empty();
        });
    }

    @Override
    public Link parent(Parent parent) throws DriverException {
        String name = LinuxLinks.checked(parent.name());
        return home.converse("make device " + name, netlink -> {
            Optional<Link> found = find(netlink, name);
            if (found.isEmpty()) {
                netlink.run(newParent(netlink, parent));
                netlink.run(Request.change("write the alias of " + name, RTM_NEWLINK, 0)
                        .link(0, 0, 0, 0)
                        .attribute(IFLA_IFNAME, name)
                        .attribute(IFLA_IFALIAS, parent.alias()));
            }
            if (found.isEmpty() || !found.get().up()) {
                netlink.run(Request.change("set device " + name + " up", RTM_NEWLINK, 0)
                        .link(0, 0, IFF_UP, IFF_UP)
                        .attribute(IFLA_IFNAME, name));
            }
            return there(netlink, name);
        });
    }

    private static Request newParent(Netlink netlink, Parent parent) throws NetlinkException, DriverException {
        Request make = Request.change("make device " + parent.name(), RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL)
                .link(0, 0, 0, 0)
                .attribute(IFLA_IFNAME, parent.name());
        if (!parent.lower().isEmpty()) {
            Link lower = find(netlink, parent.lower())
                    .orElseThrow(() -> DriverException.failure(
                            Failure.Kind.MISSING,
                            "cannot make device " + parent.name() + ": there is no device " + parent.lower()));
            make.attribute(IFLA_LINK, lower.index());
        }
        return make.nest(IFLA_LINKINFO, info -> {
            info.attribute(INFO_KIND, parent.kind());
            if (parent.vlan() > 0) {
                info.nest(INFO_DATA, data -> data.attribute(VLAN_ID, (short) parent.vlan()));
            }
        });
    }

    @Override
    public Link place(Child child, Path sandbox) throws DriverException {
        String name = LinuxLinks.checked(child.name());
        List<Address> addresses = LinuxLinks.addresses(child.addresses());
        List<Address> gateways = LinuxLinks.addresses(child.gateways());
        return home.converse("make a " + child.kind() + " on " + child.parent(), netlink -> {
            Link parent = find(netlink, child.parent())
                    .orElseThrow(() -> DriverException.failure(
                            Failure.Kind.MISSING,
                            "cannot make a " + child.kind() + ": there is no device " + child.parent()));
            int namespace = Errno.check(libc.open(CString.of(sandbox), O_RDONLY | O_CLOEXEC, 0), "open", sandbox);
            try (Netlink inner = home.inSandbox(sandbox, Netlink::new)) {
                makeRoom(inner, child);
                if (find(inner, name).isEmpty()) {
                    netlink.run(newChild(child, parent, namespace));
                }
                if (addresses.stream().anyMatch(Address::isIpv6)) {
                    Path settings = Path.of("/proc/sys/net/ipv6/conf", name);
                    home.inSandbox(sandbox, () -> {
                        Files.writeString(settings.resolve("accept_dad"), "0");
                        return Files.writeString(settings.resolve("disable_ipv6"), "0");
                    });
                }
                inner.run(setUp(child, there(inner, name).index(), addresses, gateways));
                return there(inner, name);
            } finally {
                libc.close(namespace);
            }
        });
    }

    /** A child without an alias is what a crash left half made, and one that waits for its sandbox's end is not missed. */
    private static void makeRoom(Netlink inner, Child child) throws NetlinkException, DriverException {
        Optional<Link> found = find(inner, child.name());
        if (found.isEmpty() || found.get().alias().equals(child.alias())) {
            return;
        }
        if (!found.get().kind().equals(child.kind())
                || !found.get().alias().isEmpty() && !found.get().alias().contains(" gone ")) {
            throw DriverException.failure(
                    Failure.Kind.EXISTS, "cannot join: the sandbox has a device " + child.name() + " already");
        }
        inner.run(removal(child.name()));
    }

    private static Request newChild(Child child, Link parent, int namespace) {
        Request request = Request.change(
                        "make a " + child.kind() + " on " + child.parent(), RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL)
                .link(0, 0, 0, 0)
                .attribute(IFLA_IFNAME, child.name())
                .attribute(IFLA_LINK, parent.index())
                .attribute(IFLA_NET_NS_FD, namespace);
        boolean macvlan = child.kind().equals("macvlan");
        if (macvlan && !child.mac().isEmpty()) {
            request.attribute(IFLA_ADDRESS, LinuxLinks.mac(child.mac()));
        }
        if (child.mtu() > 0) {
            request.attribute(IFLA_MTU, child.mtu());
        }
        return request.nest(
                IFLA_LINKINFO,
                info -> info.attribute(INFO_KIND, child.kind()).nest(INFO_DATA, data -> {
                    if (macvlan) {
                        data.attribute(MACVLAN_MODE, MACVLAN_MODES.getOrDefault(child.mode(), 4));
                    } else {
                        data.attribute(
                                IPVLAN_MODE,
                                IPVLAN_MODES.getOrDefault(child.mode(), 0).shortValue());
                        data.attribute(
                                IPVLAN_FLAGS,
                                IPVLAN_FLAG_BITS.getOrDefault(child.flag(), 0).shortValue());
                    }
                }));
    }

    private static List<Request> setUp(Child child, int index, List<Address> addresses, List<Address> gateways) {
        List<Request> requests = new ArrayList<>();
        for (Address address : addresses) {
            requests.add(LinuxLinks.newAddress(address, index, child.name()));
        }
        requests.add(Request.change("set " + child.name() + " up", RTM_NEWLINK, 0)
                .link(0, index, IFF_UP, IFF_UP)
                .attribute(IFLA_IFALIAS, child.alias()));
        for (Address gateway : gateways) {
            Request route = Request.change(
                            "make a default route by " + gateway, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE)
                    .route(gateway.family(), 0, child.direct() ? SCOPE_LINK : LinuxLinks.SCOPE_UNIVERSE)
                    .attribute(LinuxLinks.RTA_OIF, index);
            if (!child.direct()) {
                route.attribute(LinuxLinks.RTA_GATEWAY, gateway.bytes());
            }
            if (child.metric() > 0) {
                route.attribute(
                        LinuxLinks.RTA_PRIORITY, child.metric() + (gateway.isIpv6() ? LinuxLinks.IPV6_METRIC : 0));
            }
            requests.add(route);
        }
        return requests;
    }

    @Override
    public List<Link> inside(Path sandbox) throws DriverException {
        return HomeNetwork.attempt(
                "list devices in " + sandbox,
                () -> home.inSandbox(sandbox, () -> {
                    try (Netlink inner = new Netlink()) {
                        return LinuxLinks.list(inner);
                    }
                }));
    }

    @Override
    public void alias(Path sandbox, String name, String alias) throws DriverException {
        HomeNetwork.attempt(
                "write the alias of " + name,
                () -> home.inSandbox(sandbox, () -> {
                    try (Netlink inner = new Netlink()) {
                        inner.run(Request.change("write the alias of " + name, RTM_NEWLINK, 0)
                                .link(0, 0, 0, 0)
                                .attribute(IFLA_IFNAME, LinuxLinks.checked(name))
                                .attribute(IFLA_IFALIAS, alias));
                        return name;
                    }
                }));
    }

    @Override
    public void remove(Path sandbox, String name) throws DriverException {
        try {
            HomeNetwork.attempt(
                    "remove device " + name,
                    () -> home.inSandbox(sandbox, () -> {
                        try (Netlink inner = new Netlink()) {
                            inner.run(removal(LinuxLinks.checked(name)));
                            return name;
                        }
                    }));
        } catch (DriverException e) {
            if (e.failure().kind() != Failure.Kind.MISSING) {
                throw e;
            }
        }
    }

    private static Request removal(String name) {
        return Request.change("remove device " + name, RTM_DELLINK, 0, Errno.ENODEV)
                .link(0, 0, 0, 0)
                .attribute(IFLA_IFNAME, name);
    }

    private static Link there(Netlink netlink, String name) throws NetlinkException {
        return find(netlink, name).orElseThrow(() -> new NetlinkException(Errno.ENODEV, "make " + name, ""));
    }
}
