package dev.wharf.linux.net;

import static dev.wharf.linux.net.LinuxLinks.IFF_UP;
import static dev.wharf.linux.net.LinuxLinks.IFLA_IFALIAS;
import static dev.wharf.linux.net.LinuxLinks.IFLA_IFNAME;
import static dev.wharf.linux.net.LinuxLinks.IFLA_LINKINFO;
import static dev.wharf.linux.net.LinuxLinks.IFLA_MASTER;
import static dev.wharf.linux.net.LinuxLinks.IFLA_MTU;
import static dev.wharf.linux.net.LinuxLinks.INFO_DATA;
import static dev.wharf.linux.net.LinuxLinks.INFO_KIND;
import static dev.wharf.linux.net.LinuxLinks.INFO_SLAVE_DATA;
import static dev.wharf.linux.net.LinuxLinks.INFO_SLAVE_KIND;
import static dev.wharf.linux.net.Request.NLM_F_APPEND;
import static dev.wharf.linux.net.Request.NLM_F_CREATE;
import static dev.wharf.linux.net.Request.NLM_F_DUMP;
import static dev.wharf.linux.net.Request.NLM_F_EXCL;
import static dev.wharf.linux.net.Request.NLM_F_REPLACE;
import static dev.wharf.linux.net.Request.RTM_DELLINK;
import static dev.wharf.linux.net.Request.RTM_DELNEIGH;
import static dev.wharf.linux.net.Request.RTM_GETLINK;
import static dev.wharf.linux.net.Request.RTM_GETNEIGH;
import static dev.wharf.linux.net.Request.RTM_NEWLINK;
import static dev.wharf.linux.net.Request.RTM_NEWNEIGH;

import dev.wharf.linux.libc.Errno;
import dev.wharf.linux.net.Netlink.Attributes;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.kernel.Links.Link;
import dev.wharf.spi.kernel.Tunnels;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/**
 * VXLAN devices and where they lead. A destination stands in three tables: the tunnel's says which host a hardware address
 * is behind, the bridge's that it is behind the tunnel, and the neighbour table lets the bridge answer for it, so that no
 * question has to travel.
 */
@Component(service = Tunnels.class)
public final class LinuxTunnels implements Tunnels {
    private static final int VXLAN_ID = 1;
    private static final int VXLAN_LINK = 3;
    private static final int VXLAN_TTL = 5;
    private static final int VXLAN_LOCAL = 4;
    private static final int VXLAN_LEARNING = 7;
    private static final int VXLAN_PORT = 15;
    private static final int VXLAN_LOCAL6 = 17;
    private static final int BRPORT_NEIGH_SUPPRESS = 32;
    private static final int AF_BRIDGE = 7;
    private static final int NDA_DST = 1;
    private static final int NDA_LLADDR = 2;
    private static final int NDA_IFINDEX = 8;
    private static final int NTF_SELF = 2;
    private static final int NTF_MASTER = 4;
    private static final int NUD_NOARP = 0x40;
    private static final int NUD_PERMANENT = 0x80;
    /** As many requests as fit into one conversation's buffer with room to spare. */
    private static final int BATCH = 200;

    private final HomeNetwork home;

    @Activate
    public LinuxTunnels(@Reference HomeNetwork home) {
        this.home = home;
    }

    @Override
    public Link vxlan(Vxlan vxlan) throws DriverException {
        String name = LinuxLinks.checked(vxlan.name());
        Address local = Address.parse(vxlan.local());
        return home.converse("make tunnel " + name, netlink -> {
            Link bridge = device(netlink, vxlan.bridge());
            int lower =
                    vxlan.lower().isEmpty() ? 0 : device(netlink, vxlan.lower()).index();
            Optional<Link> found = LinuxLinks.find(netlink, name);
            if (found.isPresent() && !isAsWanted(netlink, vxlan, local, lower)) {
                netlink.run(Request.change("remove device " + name, RTM_DELLINK, 0, Errno.ENODEV)
                        .link(0, found.get().index(), 0, 0));
                found = Optional.empty();
            }
            if (found.isEmpty()) {
                make(netlink, vxlan, local, lower);
            }
            int index = device(netlink, name).index();
            Request port = Request.change("put " + name + " on bridge " + bridge.name(), RTM_NEWLINK, 0)
                    .link(0, index, 0, 0)
                    .attribute(IFLA_MASTER, bridge.index())
                    .attribute(IFLA_IFALIAS, vxlan.alias());
            if (vxlan.mtu() > 0) {
                port.attribute(IFLA_MTU, vxlan.mtu());
            }
            netlink.run(
                    port,
                    Request.change("let bridge " + bridge.name() + " answer for others", RTM_NEWLINK, 0)
                            .link(0, index, IFF_UP, IFF_UP)
                            .nest(
                                    IFLA_LINKINFO,
                                    info -> info.attribute(INFO_SLAVE_KIND, "bridge")
                                            .nest(INFO_SLAVE_DATA, data -> data.flag(BRPORT_NEIGH_SUPPRESS, true))));
            return device(netlink, name);
        });
    }

    private static void make(Netlink netlink, Vxlan vxlan, Address local, int lower)
            throws NetlinkException, DriverException {
        byte[] port = {(byte) (vxlan.port() >> 8), (byte) vxlan.port()};
        try {
            netlink.run(Request.change("make tunnel " + vxlan.name(), RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL)
                    .link(0, 0, 0, 0)
                    .attribute(IFLA_IFNAME, vxlan.name())
                    .nest(
                            IFLA_LINKINFO,
                            info -> info.attribute(INFO_KIND, "vxlan").nest(INFO_DATA, data -> {
                                data.attribute(VXLAN_ID, vxlan.number())
                                        .attribute(local.isIpv6() ? VXLAN_LOCAL6 : VXLAN_LOCAL, local.bytes())
                                        .attribute(VXLAN_PORT, port)
                                        .attribute(VXLAN_TTL, new byte[] {64})
                                        .flag(VXLAN_LEARNING, true);
                                if (lower != 0) {
                                    data.attribute(VXLAN_LINK, lower);
                                }
                            })));
        } catch (NetlinkException e) {
            if (e.errno() == Errno.EEXIST) {
                throw DriverException.failure(
                        Failure.Kind.EXISTS,
                        "cannot make tunnel " + vxlan.name()
                                + ": another device of this host has the network identifier " + vxlan.number()
                                + " on port " + vxlan.port() + "; choose another one",
                        e);
            }
            throw e;
        }
    }

    /** What the device of that name says of itself as a tunnel; empty where it is none. */
    private static Optional<Attributes> data(Netlink netlink, String name) throws NetlinkException {
        Optional<Attributes> info = netlink.find(Request.question("find device " + name, RTM_GETLINK, 0)
                        .link(0, 0, 0, 0)
                        .attribute(IFLA_IFNAME, name))
                .flatMap(m -> new Attributes(m, 16).find(IFLA_LINKINFO))
                .map(i -> new Attributes(i, 0));
        return info.filter(
                        i -> i.find(INFO_KIND).map(Attributes::text).orElse("").equals("vxlan"))
                .flatMap(i -> i.find(INFO_DATA))
                .map(d -> new Attributes(d, 0));
    }

    private static int lower(Attributes data) {
        return data.find(VXLAN_LINK).map(v -> v.getInt(0)).orElse(0);
    }

    private static boolean isAsWanted(Netlink netlink, Vxlan vxlan, Address local, int lower) throws NetlinkException {
        Optional<Attributes> data = data(netlink, vxlan.name());
        if (data.isEmpty()) {
            return false;
        }
        int number = data.get().find(VXLAN_ID).map(v -> v.getInt(0)).orElse(-1);
        int port = data.get()
                .find(VXLAN_PORT)
                .map(v -> Short.toUnsignedInt(v.order(ByteOrder.BIG_ENDIAN).getShort(0)))
                .orElse(-1);
        byte[] end = data.get()
                .find(local.isIpv6() ? VXLAN_LOCAL6 : VXLAN_LOCAL)
                .map(LinuxLinks::bytes)
                .orElse(new byte[0]);
        return number == vxlan.number()
                && port == vxlan.port()
                && lower(data.get()) == lower
                && Arrays.equals(end, local.bytes());
    }

    @Override
    public void lead(String tunnel, String bridge, Set<Destination> destinations) throws DriverException {
        Set<Entry> wanted = new HashSet<>();
        for (Destination destination : destinations) {
            wanted.addAll(entries(destination));
        }
        home.converse("lead tunnel " + tunnel, netlink -> {
            int from = device(netlink, tunnel).index();
            int within = device(netlink, bridge).index();
            // A link-local address means nothing without a device.
            int lower = data(netlink, tunnel).map(LinuxTunnels::lower).orElse(0);
            Set<Entry> present = entries(netlink, from, within);
            List<Request> requests = new ArrayList<>();
            // Removals first: one hardware address leads to one host only.
            for (Entry entry : present) {
                if (!wanted.contains(entry)) {
                    requests.add(entry.removal(from, within, lower));
                }
            }
            for (Entry entry : wanted) {
                if (!present.contains(entry)) {
                    requests.add(entry.addition(from, within, lower));
                }
            }
            for (int at = 0; at < requests.size(); at += BATCH) {
                netlink.run(requests.subList(at, Math.min(requests.size(), at + BATCH)));
            }
            return tunnel;
        });
    }

    @Override
    public Set<Destination> destinations(String tunnel, String bridge) throws DriverException {
        return home.converse("ask where tunnel " + tunnel + " leads", netlink -> {
            Set<Entry> present = entries(
                    netlink,
                    device(netlink, tunnel).index(),
                    device(netlink, bridge).index());
            Map<String, List<String>> addresses = new HashMap<>();
            present.stream()
                    .filter(e -> e.table() == Table.NEIGHBOURS)
                    .forEach(e -> addresses
                            .computeIfAbsent(e.mac(), mac -> new ArrayList<>())
                            .add(e.address()));
            return present.stream()
                    .filter(e -> e.table() == Table.TUNNEL)
                    .map(e -> new Destination(e.mac(), e.address(), addresses.getOrDefault(e.mac(), List.of())))
                    .collect(Collectors.toSet());
        });
    }

    private enum Table {
        TUNNEL,
        BRIDGE,
        NEIGHBOURS
    }

    /** One line of one table; the address is the other host's or the neighbour's, none in the bridge's table. */
    private record Entry(Table table, String mac, String address) {
        Request addition(int tunnel, int bridge, int lower) throws DriverException {
            boolean everybody = mac.equals(Destination.EVERYBODY);
            return request(
                    Request.change(
                            "lead frames for " + mac,
                            RTM_NEWNEIGH,
                            NLM_F_CREATE | (everybody ? NLM_F_APPEND : NLM_F_REPLACE),
                            Errno.EEXIST),
                    tunnel,
                    bridge,
                    lower);
        }

        Request removal(int tunnel, int bridge, int lower) throws DriverException {
            return request(
                    Request.change("lead no frames for " + mac, RTM_DELNEIGH, 0, Errno.ENOENT), tunnel, bridge, lower);
        }

        private Request request(Request empty, int tunnel, int bridge, int lower) throws DriverException {
            byte[] hardware = LinuxLinks.mac(mac);
            return switch (table) {
                case TUNNEL -> {
                    Request row = empty.neighbour(AF_BRIDGE, tunnel, NUD_PERMANENT, NTF_SELF)
                            .attribute(NDA_LLADDR, hardware)
                            .attribute(NDA_DST, Address.parse(address).bytes());
                    yield lower == 0 ? row : row.attribute(NDA_IFINDEX, lower);
                }
                case BRIDGE ->
                    empty.neighbour(AF_BRIDGE, tunnel, NUD_NOARP, NTF_MASTER).attribute(NDA_LLADDR, hardware);
                case NEIGHBOURS -> {
                    Address neighbour = Address.parse(address);
                    yield empty.neighbour(neighbour.family(), bridge, NUD_PERMANENT, 0)
                            .attribute(NDA_DST, neighbour.bytes())
                            .attribute(NDA_LLADDR, hardware);
                }
            };
        }
    }

    private static List<Entry> entries(Destination destination) throws DriverException {
        List<Entry> entries = new ArrayList<>();
        entries.add(new Entry(Table.TUNNEL, destination.mac(), canonical(destination.host())));
        if (!destination.mac().equals(Destination.EVERYBODY)) {
            entries.add(new Entry(Table.BRIDGE, destination.mac(), ""));
            for (String address : destination.addresses()) {
                entries.add(new Entry(Table.NEIGHBOURS, destination.mac(), canonical(address)));
            }
        }
        return entries;
    }

    private static String canonical(String address) throws DriverException {
        return text(Address.parse(address).bytes());
    }

    private static Set<Entry> entries(Netlink netlink, int tunnel, int bridge) throws NetlinkException {
        Set<Entry> entries = new HashSet<>();
        Request forwarding = Request.question("list hardware addresses", RTM_GETNEIGH, NLM_F_DUMP)
                .link(AF_BRIDGE, 0, 0, 0);
        for (ByteBuffer message : netlink.dump(forwarding)) {
            if (message.getInt(4) != tunnel) {
                continue;
            }
            Attributes attributes = new Attributes(message, 12);
            int state = Short.toUnsignedInt(message.getShort(8));
            Optional<String> mac = attributes.find(NDA_LLADDR).map(LinuxTunnels::mac);
            Optional<String> host =
                    attributes.find(NDA_DST).map(LinuxLinks::bytes).map(LinuxTunnels::text);
            if ((message.get(10) & NTF_SELF) != 0) {
                if (state == NUD_PERMANENT && mac.isPresent() && host.isPresent()) {
                    entries.add(new Entry(Table.TUNNEL, mac.get(), host.get()));
                }
            } else if (state == NUD_NOARP && mac.isPresent()) {
                entries.add(new Entry(Table.BRIDGE, mac.get(), ""));
            }
        }
        for (int family : new int[] {Address.AF_INET, Address.AF_INET6}) {
            Request neighbours = Request.question("list neighbours", RTM_GETNEIGH, NLM_F_DUMP)
                    .neighbour(family, 0, 0, 0);
            for (ByteBuffer message : netlink.dump(neighbours)) {
                Attributes attributes = new Attributes(message, 12);
                Optional<String> mac = attributes.find(NDA_LLADDR).map(LinuxTunnels::mac);
                Optional<String> address =
                        attributes.find(NDA_DST).map(LinuxLinks::bytes).map(LinuxTunnels::text);
                if (message.getInt(4) == bridge
                        && Short.toUnsignedInt(message.getShort(8)) == NUD_PERMANENT
                        && mac.isPresent()
                        && address.isPresent()) {
                    entries.add(new Entry(Table.NEIGHBOURS, mac.get(), address.get()));
                }
            }
        }
        return entries;
    }

    private static String mac(ByteBuffer value) {
        return HexFormat.ofDelimiter(":").formatHex(LinuxLinks.bytes(value));
    }

    private static String text(byte[] address) {
        try {
            return InetAddress.getByAddress(address).getHostAddress();
        } catch (UnknownHostException e) {
            throw new IllegalStateException("an address of " + address.length + " bytes", e);
        }
    }

    private static Link device(Netlink netlink, String name) throws NetlinkException, DriverException {
        return LinuxLinks.find(netlink, name)
                .orElseThrow(() ->
                        DriverException.failure(Failure.Kind.MISSING, "there is no device " + name + " any more"));
    }
}
