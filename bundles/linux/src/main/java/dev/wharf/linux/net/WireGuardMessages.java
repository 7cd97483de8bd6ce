package dev.wharf.linux.net;

import static dev.wharf.linux.net.Request.NLM_F_DUMP;

import dev.wharf.linux.net.Netlink.Attributes;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.kernel.WireGuard.Other;
import dev.wharf.spi.kernel.WireGuard.State;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** What is said to the family {@code wireguard} of generic netlink, as in the kernel's {@code include/uapi/linux/wireguard.h}. */
final class WireGuardMessages {
    /** The family that knows the numbers of the others. */
    static final int GENL_ID_CTRL = 0x10;

    private static final int CTRL_CMD_GETFAMILY = 3;
    private static final int CTRL_ATTR_FAMILY_ID = 1;
    private static final int CTRL_ATTR_FAMILY_NAME = 2;

    private static final int WG_CMD_GET_DEVICE = 0;
    private static final int WG_CMD_SET_DEVICE = 1;
    private static final int WG_GENL_VERSION = 1;
    private static final int WGDEVICE_A_IFNAME = 2;
    private static final int WGDEVICE_A_PRIVATE_KEY = 3;
    private static final int WGDEVICE_A_PUBLIC_KEY = 4;
    private static final int WGDEVICE_A_LISTEN_PORT = 6;
    private static final int WGDEVICE_A_PEERS = 8;
    private static final int WGPEER_A_PUBLIC_KEY = 1;
    private static final int WGPEER_A_FLAGS = 3;
    private static final int WGPEER_A_ENDPOINT = 4;
    private static final int WGPEER_A_ALLOWEDIPS = 9;
    private static final int WGPEER_F_REMOVE_ME = 1;
    private static final int WGPEER_F_REPLACE_ALLOWEDIPS = 2;
    private static final int WGALLOWEDIP_A_FAMILY = 1;
    private static final int WGALLOWEDIP_A_IPADDR = 2;
    private static final int WGALLOWEDIP_A_CIDR_MASK = 3;

    private static final int GENERIC_HEADER = 4;
    private static final int SOCKADDR_IN = 16;
    private static final int SOCKADDR_IN6 = 28;

    private WireGuardMessages() {}

    /** Asks for the number of the family; the kernel loads the module where that has not been done. */
    static Request family() {
        return Request.question("ask for WireGuard", GENL_ID_CTRL, 0)
                .generic(CTRL_CMD_GETFAMILY, 1)
                .attribute(CTRL_ATTR_FAMILY_NAME, "wireguard");
    }

    static int family(ByteBuffer answer) {
        return new Attributes(answer, GENERIC_HEADER)
                .find(CTRL_ATTR_FAMILY_ID)
                .map(id -> Short.toUnsignedInt(id.getShort(0)))
                .orElse(0);
    }

    static Request device(int family, String name, byte[] secret, int port) {
        return Request.change("give " + name + " its key and port " + port, family, 0)
                .generic(WG_CMD_SET_DEVICE, WG_GENL_VERSION)
                .attribute(WGDEVICE_A_IFNAME, name)
                .attribute(WGDEVICE_A_PRIVATE_KEY, secret)
                .attribute(WGDEVICE_A_LISTEN_PORT, (short) port);
    }

    static Request removal(int family, String name, List<Other> others) {
        return others(
                family,
                name,
                others,
                (list, other) ->
                        list.attribute(WGPEER_A_PUBLIC_KEY, key(other)).attribute(WGPEER_A_FLAGS, WGPEER_F_REMOVE_ME));
    }

    static Request addition(int family, String name, List<Other> others) throws DriverException {
        Map<Other, byte[]> endpoints = new HashMap<>();
        Map<Other, List<Address>> inside = new HashMap<>();
        for (Other other : others) {
            endpoints.put(other, endpoint(Address.parse(other.host()), other.port()));
            inside.put(other, LinuxLinks.addresses(other.inside()));
        }
        return others(
                family,
                name,
                others,
                (peer, other) -> peer.attribute(WGPEER_A_PUBLIC_KEY, key(other))
                        .attribute(WGPEER_A_FLAGS, WGPEER_F_REPLACE_ALLOWEDIPS)
                        .attribute(WGPEER_A_ENDPOINT, endpoints.getOrDefault(other, new byte[0]))
                        .nest(WGPEER_A_ALLOWEDIPS, list -> {
                            for (Address address : inside.getOrDefault(other, List.of())) {
                                list.nest(
                                        0,
                                        ip -> ip.attribute(WGALLOWEDIP_A_FAMILY, (short) address.family())
                                                .attribute(WGALLOWEDIP_A_IPADDR, address.bytes())
                                                .attribute(
                                                        WGALLOWEDIP_A_CIDR_MASK,
                                                        new byte[] {(byte) address.prefixLength()}));
                            }
                        }));
    }

    private static Request others(int family, String name, List<Other> others, Part part) {
        return Request.change("tell " + name + " who is at its other ends", family, 0)
                .generic(WG_CMD_SET_DEVICE, WG_GENL_VERSION)
                .attribute(WGDEVICE_A_IFNAME, name)
                .nest(WGDEVICE_A_PEERS, list -> others.forEach(other -> list.nest(0, peer -> part.add(peer, other))));
    }

    private interface Part {
        void add(Request peer, Other other);
    }

    private static byte[] key(Other other) {
        return Base64.getDecoder().decode(other.key());
    }

    /** struct sockaddr_in or sockaddr_in6. */
    private static byte[] endpoint(Address host, int port) {
        ByteBuffer endpoint = ByteBuffer.allocate(host.isIpv6() ? SOCKADDR_IN6 : SOCKADDR_IN);
        endpoint.order(ByteOrder.nativeOrder())
                .putShort((short) host.family())
                .order(ByteOrder.BIG_ENDIAN)
                .putShort((short) port);
        if (host.isIpv6()) {
            endpoint.putInt(0);
        }
        return endpoint.put(host.bytes()).array();
    }

    static Request state(int family, String name) {
        return Request.question("ask how " + name + " stands", family, NLM_F_DUMP)
                .generic(WG_CMD_GET_DEVICE, WG_GENL_VERSION)
                .attribute(WGDEVICE_A_IFNAME, name);
    }

    /** Reads one device out of as many messages as the kernel needed; somebody with many addresses comes in several parts. */
    static State state(List<ByteBuffer> messages) {
        String key = "";
        int port = 0;
        Map<String, Other> others = new LinkedHashMap<>();
        for (ByteBuffer message : messages) {
            Attributes device = new Attributes(message, GENERIC_HEADER);
            key = device.find(WGDEVICE_A_PUBLIC_KEY)
                    .map(WireGuardMessages::base64)
                    .orElse(key);
            port = device.find(WGDEVICE_A_LISTEN_PORT)
                    .map(p -> Short.toUnsignedInt(p.getShort(0)))
                    .orElse(port);
            for (ByteBuffer peer : device.find(WGDEVICE_A_PEERS)
                    .map(p -> new Attributes(p, 0).all())
                    .orElse(List.of())) {
                Other part = other(new Attributes(peer, 0));
                others.merge(part.key(), part, WireGuardMessages::joined);
            }
        }
        return new State(key, port, new HashSet<>(others.values()));
    }

    private static Other joined(Other first, Other more) {
        List<String> inside = new ArrayList<>(first.inside());
        inside.addAll(more.inside());
        return new Other(first.key(), first.host(), first.port(), inside);
    }

    private static Other other(Attributes peer) {
        Optional<ByteBuffer> endpoint = peer.find(WGPEER_A_ENDPOINT);
        List<String> inside = new ArrayList<>();
        for (ByteBuffer ip : peer.find(WGPEER_A_ALLOWEDIPS)
                .map(l -> new Attributes(l, 0).all())
                .orElse(List.of())) {
            Attributes parts = new Attributes(ip, 0);
            String address = parts.find(WGALLOWEDIP_A_IPADDR)
                    .map(a -> text(a, 0, a.remaining()))
                    .orElse("");
            int length = parts.find(WGALLOWEDIP_A_CIDR_MASK)
                    .map(m -> Byte.toUnsignedInt(m.get(0)))
                    .orElse(0);
            inside.add(address + "/" + length);
        }
        return new Other(
                peer.find(WGPEER_A_PUBLIC_KEY).map(WireGuardMessages::base64).orElse(""),
                endpoint.map(e -> e.remaining() == SOCKADDR_IN6 ? text(e, 8, 16) : text(e, 4, 4))
                        .orElse(""),
                endpoint.map(e -> Short.toUnsignedInt(
                                e.duplicate().order(ByteOrder.BIG_ENDIAN).getShort(2)))
                        .orElse(0),
                inside);
    }

    private static String base64(ByteBuffer value) {
        return Base64.getEncoder().encodeToString(LinuxLinks.bytes(value));
    }

    private static String text(ByteBuffer value, int at, int length) {
        byte[] address = new byte[length];
        value.duplicate().position(at).get(address);
        try {
            return InetAddress.getByAddress(address).getHostAddress();
        } catch (UnknownHostException e) {
            throw new IllegalStateException("an address of " + length + " bytes", e);
        }
    }

    /** The same others in the words that the kernel answers with, so that the two can be compared. */
    static Set<Other> canonical(Set<Other> others) throws DriverException {
        Set<Other> canonical = new HashSet<>();
        for (Other other : others) {
            List<String> inside = new ArrayList<>();
            for (String address : other.inside()) {
                inside.add(Address.parse(address).toString());
            }
            byte[] host = Address.parse(other.host()).bytes();
            canonical.add(new Other(other.key(), text(ByteBuffer.wrap(host), 0, host.length), other.port(), inside));
        }
        return canonical;
    }
}
