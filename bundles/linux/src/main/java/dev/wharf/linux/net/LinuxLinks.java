package dev.wharf.linux.net;

import static dev.wharf.linux.libc.LibC.O_CLOEXEC;
import static dev.wharf.linux.libc.LibC.O_RDONLY;
import static dev.wharf.linux.net.Request.NLM_F_CREATE;
import static dev.wharf.linux.net.Request.NLM_F_DUMP;
import static dev.wharf.linux.net.Request.NLM_F_EXCL;
import static dev.wharf.linux.net.Request.NLM_F_REPLACE;
import static dev.wharf.linux.net.Request.RTM_DELADDR;
import static dev.wharf.linux.net.Request.RTM_DELLINK;
import static dev.wharf.linux.net.Request.RTM_GETADDR;
import static dev.wharf.linux.net.Request.RTM_GETLINK;
import static dev.wharf.linux.net.Request.RTM_GETROUTE;
import static dev.wharf.linux.net.Request.RTM_NEWADDR;
import static dev.wharf.linux.net.Request.RTM_NEWLINK;
import static dev.wharf.linux.net.Request.RTM_NEWROUTE;

import dev.wharf.linux.libc.CString;
import dev.wharf.linux.libc.Errno;
import dev.wharf.linux.libc.LibC;
import dev.wharf.linux.net.Netlink.Attributes;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.kernel.Links;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** Network devices by rtnetlink. Holds no state; each call is a conversation of its own. */
@Component(service = Links.class)
public final class LinuxLinks implements Links {
    static final int IFLA_ADDRESS = 1;
    static final int IFLA_IFNAME = 3;
    static final int IFLA_MTU = 4;
    static final int IFLA_MASTER = 10;
    static final int IFLA_LINKINFO = 18;
    static final int IFLA_IFALIAS = 20;
    static final int IFLA_NET_NS_FD = 28;
    static final int IFLA_EXT_MASK = 29;
    static final int INFO_KIND = 1;
    static final int INFO_DATA = 2;
    static final int INFO_SLAVE_KIND = 4;
    static final int INFO_SLAVE_DATA = 5;
    private static final int VETH_INFO_PEER = 1;
    private static final int BRPORT_MODE = 4;
    private static final int BRPORT_ISOLATED = 33;
    static final int SKIP_STATISTICS = 8;
    static final int IFF_UP = 1;
    static final int IFA_ADDRESS = 1;
    static final int IFA_LOCAL = 2;
    private static final int IFA_BROADCAST = 4;
    private static final int IFA_F_NODAD = 2;
    static final int SCOPE_UNIVERSE = 0;
    private static final int RTA_DST = 1;
    static final int RTA_OIF = 4;
    static final int RTA_GATEWAY = 5;
    static final int RTA_PRIORITY = 6;
    private static final int RTA_TABLE = 15;
    static final int IPV6_METRIC = 1024;
    private static final int LOCAL_TABLE = 255;
    private static final int PROTOCOL_KERNEL = 2;
    private static final int LONGEST_NAME = 15;

    private final LibC libc = LibC.get();
    private final HomeNetwork home;

    @Activate
    public LinuxLinks(@Reference HomeNetwork home) {
        this.home = home;
    }

    @Override
    public Optional<Link> find(String name) throws DriverException {
        return home.converse("find device " + name, netlink -> find(netlink, name));
    }

    @Override
    public List<Link> list() throws DriverException {
        return home.converse("list devices", LinuxLinks::list);
    }

    static List<Link> list(Netlink netlink) throws NetlinkException {
        Request question = Request.question("list devices", RTM_GETLINK, NLM_F_DUMP)
                .link(0, 0, 0, 0)
                .attribute(IFLA_EXT_MASK, SKIP_STATISTICS);
        return netlink.dump(question).stream().map(LinuxLinks::link).toList();
    }

    @Override
    public Link bridge(Bridge bridge) throws DriverException {
        String name = checked(bridge.name());
        List<Address> addresses = addresses(bridge.addresses());
        return home.converse("make bridge " + name, netlink -> {
            Optional<Link> found = find(netlink, name);
            if (found.isPresent() && !found.get().kind().equals("bridge")) {
                throw DriverException.failure(
                        Failure.Kind.EXISTS, "cannot make bridge " + name + ": there is a device of that name");
            }
            if (found.isEmpty()) {
                Request make = Request.change(
                                "make bridge " + name, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, Errno.EEXIST)
                        .link(0, 0, 0, 0)
                        .attribute(IFLA_IFNAME, name)
                        .nest(IFLA_LINKINFO, info -> info.attribute(INFO_KIND, "bridge"));
                if (!bridge.mac().isEmpty()) {
                    make.attribute(IFLA_ADDRESS, mac(bridge.mac()));
                }
                netlink.run(make);
            }
            // Before it is up: it must never believe a router advertisement of a container (CVE-2020-13401).
            boolean ipv6 = addresses.stream().anyMatch(Address::isIpv6);
            write("ipv6/conf/" + name + "/accept_ra", "0", true);
            // Nobody else can have these addresses, and an address under test answers nobody for a second or two.
            write("ipv6/conf/" + name + "/accept_dad", "0", true);
            write("ipv6/conf/" + name + "/disable_ipv6", ipv6 ? "0" : "1", true);
            Link link = find(netlink, name).orElseThrow(() -> new NetlinkException(Errno.ENODEV, "make " + name, ""));
            List<Request> requests = new ArrayList<>(strangers(netlink, link, addresses));
            for (Address address : addresses) {
                requests.add(newAddress(address, link.index(), name));
            }
            Request up = Request.change("set bridge " + name + " up", RTM_NEWLINK, 0)
                    .link(0, link.index(), IFF_UP, IFF_UP)
                    .attribute(IFLA_IFALIAS, bridge.alias());
            if (bridge.mtu() > 0) {
                up.attribute(IFLA_MTU, bridge.mtu());
            }
            requests.add(up);
            netlink.run(requests);
            return find(netlink, name).orElseThrow(() -> new NetlinkException(Errno.ENODEV, "make " + name, ""));
        });
    }

    @Override
    public Link join(Veth veth, Path sandbox) throws DriverException {
        checked(veth.hostName());
        checked(veth.innerName());
        List<Address> addresses = addresses(veth.addresses());
        List<Address> gateways = addresses(veth.gateways());
        return home.converse("join a sandbox to bridge " + veth.bridge(), netlink -> {
            Link bridge = find(netlink, veth.bridge())
                    .orElseThrow(() -> DriverException.failure(
                            Failure.Kind.MISSING,
                            "cannot join a sandbox to bridge " + veth.bridge() + ": no such bridge"));
            int namespace = Errno.check(libc.open(CString.of(sandbox), O_RDONLY | O_CLOEXEC, 0), "open", sandbox);
            try (Netlink inner = home.inSandbox(sandbox, Netlink::new)) {
                pair(netlink, inner, veth, bridge, namespace);
                if (addresses.stream().anyMatch(Address::isIpv6)) {
                    Path settings = Path.of("/proc/sys/net/ipv6/conf", veth.innerName());
                    home.inSandbox(sandbox, () -> {
                        Files.writeString(settings.resolve("accept_dad"), "0");
                        return Files.writeString(settings.resolve("disable_ipv6"), "0");
                    });
                }
                inside(inner, veth, addresses, gateways);
            } finally {
                libc.close(namespace);
            }
            return find(netlink, veth.hostName())
                    .orElseThrow(() -> new NetlinkException(Errno.ENODEV, "make " + veth.hostName(), ""));
        });
    }

    @Override
    public List<Route> routes() throws DriverException {
        return home.converse("list routes", netlink -> {
            Map<Integer, String> names = new HashMap<>();
            list(netlink).forEach(link -> names.put(link.index(), link.name()));
            List<Route> routes = new ArrayList<>();
            for (int family : new int[] {Address.AF_INET, Address.AF_INET6}) {
                Request question = Request.question("list routes", RTM_GETROUTE, NLM_F_DUMP)
                        .route(family, 0, SCOPE_UNIVERSE);
                netlink.dump(question).forEach(message -> route(message, names).ifPresent(routes::add));
            }
            return routes;
        });
    }

    /** struct rtmsg: family, length of the destination, of the source, tos, table, protocol, scope, type, flags. */
    private static Optional<Route> route(ByteBuffer message, Map<Integer, String> names) {
        int length = Byte.toUnsignedInt(message.get(1));
        Attributes attributes = new Attributes(message, 12);
        int table = attributes.find(RTA_TABLE).map(t -> t.getInt(0)).orElse(Byte.toUnsignedInt(message.get(4)));
        Optional<byte[]> destination = attributes.find(RTA_DST).map(LinuxLinks::bytes);
        if (table == LOCAL_TABLE || length == 0 || destination.isEmpty() || isLinkLocal(destination.get())) {
            return Optional.empty();
        }
        String device = attributes
                .find(RTA_OIF)
                .map(index -> names.getOrDefault(index.getInt(0), ""))
                .orElse("");
        boolean connected = attributes.find(RTA_GATEWAY).isEmpty() && message.get(5) == PROTOCOL_KERNEL;
        return Optional.of(new Route(new Address(destination.get(), length).toString(), device, connected));
    }

    private static boolean isLinkLocal(byte[] address) {
        return address.length == 16 && (address[0] == (byte) 0xfe || address[0] == (byte) 0xff);
    }

    @Override
    public void alias(String name, String alias) throws DriverException {
        home.converse("write the alias of " + name, netlink -> {
            netlink.run(Request.change("write the alias of " + name, RTM_NEWLINK, 0)
                    .link(0, 0, 0, 0)
                    .attribute(IFLA_IFNAME, checked(name))
                    .attribute(IFLA_IFALIAS, alias));
            return name;
        });
    }

    @Override
    public void remove(String name) throws DriverException {
        home.converse("remove device " + name, netlink -> {
            netlink.run(Request.change("remove device " + name, RTM_DELLINK, 0, Errno.ENODEV)
                    .link(0, 0, 0, 0)
                    .attribute(IFLA_IFNAME, checked(name)));
            return name;
        });
    }

    @Override
    public Optional<String> sysctl(String key) throws DriverException {
        return HomeNetwork.attempt("read " + key, () -> home.call(() -> read(key)));
    }

    @Override
    public void sysctl(String key, String value) throws DriverException {
        HomeNetwork.attempt(
                "write " + key,
                () -> home.call(() -> {
                    write(key, value, false);
                    return key;
                }));
    }

    /** Makes the pair, or makes what is left of it fit. */
    private void pair(Netlink netlink, Netlink inner, Veth veth, Link bridge, int namespace)
            throws NetlinkException, DriverException {
        List<Request> requests = new ArrayList<>();
        Optional<Link> found = find(netlink, veth.hostName());
        if (found.isPresent() && find(inner, veth.innerName()).isEmpty()) {
            // Its other end is somewhere else, or was never where it belongs.
            requests.add(Request.change("remove device " + veth.hostName(), RTM_DELLINK, 0, Errno.ENODEV)
                    .link(0, found.get().index(), 0, 0));
            found = Optional.empty();
        }
        if (found.isEmpty()) {
            requests.add(newPair(veth, bridge, namespace));
        } else if (found.get().master() != bridge.index()) {
            // A message of its own: only what is a port already can be told how to be one.
            requests.add(Request.change("put " + veth.hostName() + " on bridge " + bridge.name(), RTM_NEWLINK, 0)
                    .link(0, found.get().index(), 0, 0)
                    .attribute(IFLA_MASTER, bridge.index()));
        }
        requests.add(port(veth));
        try {
            netlink.run(requests);
        } catch (NetlinkException e) {
            if (e.errno() == Errno.EEXIST) {
                throw DriverException.failure(
                        Failure.Kind.EXISTS,
                        "cannot join: the sandbox has a device " + veth.innerName() + " already",
                        e);
            }
            if (find(netlink, bridge.name())
                    .filter(l -> l.index() == bridge.index())
                    .isEmpty()) {
                throw DriverException.failure(
                        Failure.Kind.MISSING,
                        "cannot join a sandbox to bridge " + bridge.name() + ": it has just gone",
                        e);
            }
            // BR_MAX_PORTS of the kernel's net/bridge/br_private.h.
            if (e.errno() == Errno.EXFULL) {
                throw DriverException.failure(
                        Failure.Kind.EXHAUSTED,
                        "cannot join: bridge " + bridge.name() + " has as many devices as a bridge can have, 1,023;"
                                + " further containers need another network",
                        e);
            }
            throw e;
        }
    }

    private static Request newPair(Veth veth, Link bridge, int namespace) {
        Request request = Request.change("make device " + veth.hostName(), RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL)
                .link(0, 0, IFF_UP, IFF_UP)
                .attribute(IFLA_IFNAME, veth.hostName())
                .attribute(IFLA_MASTER, bridge.index());
        if (veth.mtu() > 0) {
            request.attribute(IFLA_MTU, veth.mtu());
        }
        return request.nest(
                IFLA_LINKINFO,
                info -> info.attribute(INFO_KIND, "veth")
                        .nest(
                                INFO_DATA,
                                data -> data.nest(VETH_INFO_PEER, peer -> {
                                    // The peer is down until it has its address, so that what it says when it comes up
                                    // is true.
                                    peer.link(0, 0, 0, 0)
                                            .attribute(IFLA_IFNAME, veth.innerName())
                                            .attribute(IFLA_NET_NS_FD, namespace);
                                    if (!veth.mac().isEmpty()) {
                                        peer.attribute(IFLA_ADDRESS, mac(veth.mac()));
                                    }
                                    if (veth.mtu() > 0) {
                                        peer.attribute(IFLA_MTU, veth.mtu());
                                    }
                                })));
    }

    /** What cannot be said while a device is made, and what an older device may lack. */
    private static Request port(Veth veth) {
        return Request.change("set up device " + veth.hostName(), RTM_NEWLINK, 0)
                .link(0, 0, IFF_UP, IFF_UP)
                .attribute(IFLA_IFNAME, veth.hostName())
                .attribute(IFLA_IFALIAS, veth.alias())
                .nest(
                        IFLA_LINKINFO,
                        info -> info.attribute(INFO_SLAVE_KIND, "bridge")
                                .nest(
                                        INFO_SLAVE_DATA,
                                        data -> data.flag(BRPORT_MODE, veth.hairpin())
                                                .flag(BRPORT_ISOLATED, veth.isolated())));
    }

    private static void inside(Netlink inner, Veth veth, List<Address> addresses, List<Address> gateways)
            throws NetlinkException {
        int index = find(inner, veth.innerName())
                .orElseThrow(() -> new NetlinkException(Errno.ENODEV, "find " + veth.innerName(), ""))
                .index();
        List<Request> requests = new ArrayList<>();
        for (Address address : addresses) {
            requests.add(newAddress(address, index, veth.innerName()));
        }
        requests.add(Request.change("set " + veth.innerName() + " up", RTM_NEWLINK, 0)
                .link(0, index, IFF_UP, IFF_UP));
        for (Address gateway : gateways) {
            Request route = Request.change(
                            "make a default route by " + gateway, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE)
                    .route(gateway.family(), 0, SCOPE_UNIVERSE)
                    .attribute(RTA_GATEWAY, gateway.bytes())
                    .attribute(RTA_OIF, index);
            // The kernel takes an IPv6 route without a metric as one of 1024.
            int metric = veth.metric() + (gateway.isIpv6() ? IPV6_METRIC : 0);
            requests.add(veth.metric() > 0 ? route.attribute(RTA_PRIORITY, metric) : route);
        }
        inner.run(requests);
    }

    static Request newAddress(Address address, int index, String device) {
        // No duplicate address detection: addresses are leased, and it would keep IPv6 silent for a second.
        Request request = Request.change(
                        "give " + device + " the address " + address, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE)
                .address(
                        address.family(),
                        address.prefixLength(),
                        address.isIpv6() ? IFA_F_NODAD : 0,
                        SCOPE_UNIVERSE,
                        index)
                .attribute(IFA_LOCAL, address.bytes())
                .attribute(IFA_ADDRESS, address.bytes());
        return address.isIpv6() || address.prefixLength() > 30
                ? request
                : request.attribute(IFA_BROADCAST, address.broadcast());
    }

    /**
     * Removals of addresses that a bridge has and should not have. Link-local ones are the kernel's, and where none of a
     * family is wanted those that are there are the operator's.
     */
    private static List<Request> strangers(Netlink netlink, Link link, List<Address> wanted) throws NetlinkException {
        List<Request> removals = new ArrayList<>();
        Request question =
                Request.question("list addresses", RTM_GETADDR, NLM_F_DUMP).address(0, 0, 0, 0, 0);
        for (ByteBuffer message : netlink.dump(question)) {
            int family = message.get(0);
            int prefixLength = Byte.toUnsignedInt(message.get(1));
            if (message.getInt(4) != link.index() || message.get(3) != SCOPE_UNIVERSE) {
                continue;
            }
            Attributes attributes = new Attributes(message, 8);
            byte[] bytes = attributes
                    .find(IFA_LOCAL)
                    .or(() -> attributes.find(IFA_ADDRESS))
                    .map(LinuxLinks::bytes)
                    .orElse(new byte[0]);
            Address address = new Address(bytes, prefixLength);
            boolean ruled = wanted.stream().anyMatch(w -> w.isIpv6() == address.isIpv6());
            if (ruled && !wanted.contains(address)) {
                removals.add(Request.change("remove an address of " + link.name(), RTM_DELADDR, 0, Errno.EADDRNOTAVAIL)
                        .address(family, prefixLength, 0, 0, link.index())
                        .attribute(IFA_LOCAL, bytes)
                        .attribute(IFA_ADDRESS, bytes));
            }
        }
        return removals;
    }

    static Optional<Link> find(Netlink netlink, String name) throws NetlinkException {
        if (name.isEmpty() || CString.of(name).length - 1 > LONGEST_NAME) {
            return Optional.empty();
        }
        return netlink.find(Request.question("find device " + name, RTM_GETLINK, 0)
                        .link(0, 0, 0, 0)
                        .attribute(IFLA_EXT_MASK, SKIP_STATISTICS)
                        .attribute(IFLA_IFNAME, name))
                .map(LinuxLinks::link);
    }

    static Link link(ByteBuffer message) {
        Attributes attributes = new Attributes(message, 16);
        String kind = attributes
                .find(IFLA_LINKINFO)
                .flatMap(info -> new Attributes(info, 0).find(INFO_KIND))
                .map(Attributes::text)
                .orElse("");
        return new Link(
                message.getInt(4),
                attributes.find(IFLA_IFNAME).map(Attributes::text).orElse(""),
                kind,
                attributes
                        .find(IFLA_ADDRESS)
                        .map(a -> HexFormat.ofDelimiter(":").formatHex(bytes(a)))
                        .orElse(""),
                attributes.find(IFLA_MTU).map(m -> m.getInt(0)).orElse(0),
                (message.getInt(8) & IFF_UP) != 0,
                attributes.find(IFLA_MASTER).map(m -> m.getInt(0)).orElse(0),
                attributes.find(IFLA_IFALIAS).map(Attributes::text).orElse(""));
    }

    static byte[] bytes(ByteBuffer value) {
        byte[] bytes = new byte[value.remaining()];
        value.duplicate().get(bytes);
        return bytes;
    }

    static List<Address> addresses(List<String> texts) throws DriverException {
        List<Address> addresses = new ArrayList<>();
        for (String text : texts) {
            if (!text.isEmpty()) {
                addresses.add(Address.parse(text));
            }
        }
        return addresses;
    }

    static byte[] mac(String text) {
        return HexFormat.ofDelimiter(":").parseHex(text);
    }

    static String checked(String name) throws DriverException {
        if (!name.matches("[^\\s/:]{1,15}") || name.equals(".") || name.equals("..")) {
            throw DriverException.failure(Failure.Kind.INVALID, "invalid device name \"" + name + "\"");
        }
        return name;
    }

    private static Optional<String> read(String key) throws IOException {
        try {
            return Optional.of(
                    Files.readString(Path.of("/proc/sys/net").resolve(key)).strip());
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    private static void write(String key, String value, boolean optional) throws IOException {
        Optional<String> found = read(key);
        if (found.isEmpty() && optional) {
            return;
        }
        if (!found.equals(Optional.of(value))) {
            Files.writeString(Path.of("/proc/sys/net").resolve(key), value);
        }
    }
}
