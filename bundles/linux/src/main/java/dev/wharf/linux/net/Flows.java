package dev.wharf.linux.net;

import dev.wharf.linux.libc.Errno;
import dev.wharf.linux.net.Netlink.Attributes;
import dev.wharf.spi.kernel.Firewall.Flow;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/** The kernel's table of tracked flows, by ctnetlink (include/uapi/linux/netfilter/nfnetlink_conntrack.h). */
final class Flows {
    private static final int CONNTRACK_GET = 1 << 8 | 1;
    private static final int CONNTRACK_DELETE = 1 << 8 | 2;
    private static final int UDP = 17;
    private static final int[] FAMILIES = {2, 10};

    private static final int ORIGINAL = 1;
    private static final int REPLY = 2;
    private static final int ID = 12;
    private static final int ZONE = 18;
    private static final int FILTER = 25;
    private static final int FILTER_ORIGINAL = 1;
    private static final int FILTER_BY_PROTOCOL = 1 << 3;

    private static final int TUPLE_ADDRESSES = 1;
    private static final int TUPLE_PROTOCOL = 2;
    private static final int PROTOCOL_NUMBER = 1;
    private static final int SOURCE_PORT = 2;
    private static final int DESTINATION_PORT = 3;

    private Flows() {}

    /** One that ended meanwhile is as good as forgotten. */
    static void forget(HomeNetwork home, Predicate<Flow> stale) throws Exception {
        try (Netlink netlink = home.call(Netlink::netfilter)) {
            for (int family : FAMILIES) {
                List<Request> deletions = new ArrayList<>();
                for (ByteBuffer entry : netlink.dump(datagrams(family))) {
                    Attributes attributes = new Attributes(entry, 4);
                    if (flow(attributes).filter(stale).isPresent()) {
                        deletions.add(deletion(family, attributes));
                    }
                }
                for (Request deletion : deletions) {
                    netlink.run(deletion);
                }
            }
        }
    }

    /** Linux before 5.8 does not know the filter and tells of every flow. */
    private static Request datagrams(int family) {
        return Request.question("list flows", CONNTRACK_GET, Request.NLM_F_DUMP)
                .netfilter(family)
                .nest(
                        ORIGINAL,
                        tuple -> tuple.nest(
                                TUPLE_PROTOCOL, protocol -> protocol.attribute(PROTOCOL_NUMBER, new byte[] {UDP})))
                .nest(FILTER, filter -> filter.attribute(FILTER_ORIGINAL, FILTER_BY_PROTOCOL));
    }

    private static Request deletion(int family, Attributes attributes) {
        Request request = Request.change("forget a flow", CONNTRACK_DELETE, 0, Errno.ENOENT)
                .netfilter(family);
        for (int type : new int[] {ORIGINAL, ZONE, ID}) {
            attributes.find(type).ifPresent(value -> request.attribute(type, bytes(value)));
        }
        return request;
    }

    private static Optional<Flow> flow(Attributes attributes) {
        Optional<Tuple> original = attributes.find(ORIGINAL).flatMap(Flows::tuple);
        Optional<Tuple> reply = attributes.find(REPLY).flatMap(Flows::tuple);
        return original.flatMap(o -> reply.map(r -> new Flow(
                o.source(), o.destination(), o.destinationPort(), r.source(), r.sourcePort(), r.destination())));
    }

    private record Tuple(String source, int sourcePort, String destination, int destinationPort) {}

    /** Empty for what is no UDP. */
    private static Optional<Tuple> tuple(ByteBuffer value) {
        Attributes parts = new Attributes(value, 0);
        List<ByteBuffer> addresses =
                parts.find(TUPLE_ADDRESSES).map(a -> new Attributes(a, 0).all()).orElse(List.of());
        Optional<Attributes> protocol = parts.find(TUPLE_PROTOCOL)
                .map(p -> new Attributes(p, 0))
                .filter(p ->
                        p.find(PROTOCOL_NUMBER).filter(n -> n.get(0) == UDP).isPresent());
        if (addresses.size() != 2 || protocol.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(new Tuple(
                address(addresses.get(0)),
                port(protocol.get(), SOURCE_PORT),
                address(addresses.get(1)),
                port(protocol.get(), DESTINATION_PORT)));
    }

    private static String address(ByteBuffer value) {
        try {
            return InetAddress.getByAddress(bytes(value)).getHostAddress();
        } catch (UnknownHostException e) {
            throw new IllegalStateException("an address of " + value.remaining() + " bytes", e);
        }
    }

    private static int port(Attributes protocol, int type) {
        return protocol.find(type)
                .map(p -> Short.toUnsignedInt(p.order(ByteOrder.BIG_ENDIAN).getShort(0)))
                .orElse(0);
    }

    private static byte[] bytes(ByteBuffer value) {
        byte[] bytes = new byte[value.remaining()];
        value.duplicate().get(bytes);
        return bytes;
    }
}
