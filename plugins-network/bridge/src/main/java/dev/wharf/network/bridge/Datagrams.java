package dev.wharf.network.bridge;

import dev.wharf.model.EndpointSpec;
import dev.wharf.model.PublishedPort;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.kernel.Firewall;
import dev.wharf.spi.kernel.Firewall.Flow;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BiPredicate;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whoever sends datagrams without a pause, as a log or a telephone does, goes on to send them where they went before a port was
 * published, or to a container that is gone, until the kernel forgets the flow.
 */
final class Datagrams {
    private static final Logger LOG = LoggerFactory.getLogger(Datagrams.class);

    private static final Set<String> ANY = Set.of("0.0.0.0", "::");

    private final Firewall firewall;
    private final AtomicBoolean warned = new AtomicBoolean();

    Datagrams(Firewall firewall) {
        this.firewall = firewall;
    }

    /** The endpoint's ports are published: what is sent to them comes to it from now on. */
    void published(EndpointSpec endpoint) {
        forget(endpoint, (flow, port) -> isTo(flow, port) && !isAnswered(flow, endpoint, port) && !isOutward(flow));
    }

    /** They are published no more, and nothing is to come to it. */
    void unpublished(EndpointSpec endpoint) {
        forget(endpoint, (flow, port) -> isAnswered(flow, endpoint, port));
    }

    private void forget(EndpointSpec endpoint, BiPredicate<Flow, PublishedPort> stale) {
        Map<Integer, List<PublishedPort>> ports = endpoint.ports().stream()
                .filter(port -> port.isMapped() && port.protocol().equals("udp"))
                .collect(Collectors.groupingBy(PublishedPort::hostPort));
        if (ports.isEmpty()) {
            return;
        }
        try {
            firewall.forgetDatagrams(flow ->
                    ports.getOrDefault(flow.port(), List.of()).stream().anyMatch(port -> stale.test(flow, port)));
        } catch (DriverException e) {
            // The port works for everybody who has not sent to it yet.
            if (warned.compareAndSet(false, true)) {
                LOG.warn(
                        "datagrams to a published port may go on to where they went before reason={}",
                        e.failure().message());
            }
        }
    }

    private static boolean isTo(Flow flow, PublishedPort port) {
        String address = port.hostAddress();
        boolean sameFamily = Rules.isIpv6(address) == Rules.isIpv6(flow.destination());
        return sameFamily && (ANY.contains(address) || written(address).equals(flow.destination()));
    }

    private static boolean isAnswered(Flow flow, EndpointSpec endpoint, PublishedPort port) {
        String inner = Rules.bare(Rules.isIpv6(flow.replySource()) ? endpoint.ipv6() : endpoint.ipv4());
        return flow.replyPort() == port.containerPort()
                && !inner.isEmpty()
                && written(inner).equals(flow.replySource());
    }

    /** Of somebody behind the host to the same port of another machine, only sent under the host's address. */
    private static boolean isOutward(Flow flow) {
        return flow.replySource().equals(flow.destination())
                && !flow.replyDestination().equals(flow.source());
    }

    /** An address of IPv6 may be written in many ways. */
    private static String written(String address) {
        try {
            return Rules.isIpv6(address) ? InetAddress.getByName(address).getHostAddress() : address;
        } catch (UnknownHostException e) {
            throw new IllegalStateException("a published port has no address but " + address, e);
        }
    }
}
