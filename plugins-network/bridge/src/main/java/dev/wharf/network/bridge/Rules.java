package dev.wharf.network.bridge;

import dev.wharf.model.EndpointSpec;
import dev.wharf.model.NetworkSpec;
import dev.wharf.model.PublishedPort;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What stands in nf_tables: one table per agent whose rules never change. Networks and ports are elements of its sets and
 * maps, so that a thousand ports cost a packet no more than one, and a change costs no more than itself.
 */
final class Rules {
    /**
     * Maps of published ports, by family and by whether the host address is a given one or any, sets of those that no port of
     * the host's leads to, and maps of those that lead to an address of the other family.
     */
    static final List<String> PORTS =
            List.of("ports4", "any4", "ports6", "any6", "direct4", "direct6", "carried4", "carried6");

    /** How the names of the maps begin that no rule looks at: they remember which ports the agent itself carries, and where to. */
    private static final String CARRIED = "carried";

    /** The set of the networks' devices. */
    static final String BRIDGES = "bridges";

    private final String table;

    /** @param table unique to the agent, such as {@code wharf-1a2b3c4d} */
    Rules(String table) {
        this.table = table;
    }

    String table() {
        return table;
    }

    /**
     * The table with all its chains; again is fine, and puts right what somebody changed.
     *
     * <p>raw: because of route_localnet a bridge takes packets for 127.0.0.0/8; none may come from a container
     * (CVE-2020-8558). publish: other devices' packets for 127.0.0.0/8 must not be translated before the kernel can refuse
     * them, and the kernel cannot route what comes from ::1: the agent carries that. postrouting: answers to the host's loopback and to neighbours on
     * the same bridge have to come back through the host, and outside containers are seen under an address of the host's.
     * forward: into a bridge comes what was asked for or published or is for a network without such protection, and
     * nothing else; what an internal network says stays inside. Where nothing is translated, an echo may be asked for, too.
     */
    String whole() {
        return """
                add table inet T
                add set inet T bridges { type ifname; }
                add set inet T internal { type ifname; }
                add set inet T within { type ifname . ifname; }
                add set inet T local4 { type ipv4_addr; flags interval; }
                add set inet T local6 { type ipv6_addr; flags interval; }
                add set inet T outbound4 { type ipv4_addr; flags interval; }
                add set inet T outbound6 { type ipv6_addr; flags interval; }
                add set inet T open4 { type ipv4_addr; flags interval; }
                add set inet T open6 { type ipv6_addr; flags interval; }
                add set inet T routed4 { type ipv4_addr; flags interval; }
                add set inet T routed6 { type ipv6_addr; flags interval; }
                add set inet T direct4 { type inet_proto . ipv4_addr . inet_service; }
                add set inet T direct6 { type inet_proto . ipv6_addr . inet_service; }
                add map inet T source4 { type ipv4_addr : ipv4_addr; flags interval; }
                add map inet T source6 { type ipv6_addr : ipv6_addr; flags interval; }
                add map inet T ports4 { type inet_proto . ipv4_addr . inet_service : ipv4_addr . inet_service; }
                add map inet T any4 { type inet_proto . inet_service : ipv4_addr . inet_service; }
                add map inet T ports6 { type inet_proto . ipv6_addr . inet_service : ipv6_addr . inet_service; }
                add map inet T any6 { type inet_proto . inet_service : ipv6_addr . inet_service; }
                add map inet T carried4 { type inet_proto . ipv4_addr . inet_service : ipv6_addr . inet_service; }
                add map inet T carried6 { type inet_proto . ipv6_addr . inet_service : ipv4_addr . inet_service; }
                add chain inet T raw { type filter hook prerouting priority raw; policy accept; }
                add chain inet T prerouting { type nat hook prerouting priority dstnat; policy accept; }
                add chain inet T output { type nat hook output priority -100; policy accept; }
                add chain inet T publish
                add chain inet T postrouting { type nat hook postrouting priority srcnat; policy accept; }
                add chain inet T forward { type filter hook forward priority filter; policy accept; }
                flush chain inet T raw
                flush chain inet T prerouting
                flush chain inet T output
                flush chain inet T publish
                flush chain inet T postrouting
                flush chain inet T forward
                add rule inet T raw iifname @bridges ip daddr 127.0.0.0/8 drop
                add rule inet T raw iifname @bridges ip saddr 127.0.0.0/8 drop
                add rule inet T prerouting iifname != "lo" ip daddr 127.0.0.0/8 return
                add rule inet T prerouting jump publish
                add rule inet T output jump publish
                add rule inet T publish ip6 daddr ::1 return
                add rule inet T publish dnat ip to meta l4proto . ip daddr . th dport map @ports4
                add rule inet T publish fib daddr type local dnat ip to meta l4proto . th dport map @any4
                add rule inet T publish dnat ip6 to meta l4proto . ip6 daddr . th dport map @ports6
                add rule inet T publish fib daddr type local dnat ip6 to meta l4proto . th dport map @any6
                add rule inet T postrouting oifname @bridges ip saddr 127.0.0.0/8 masquerade
                add rule inet T postrouting oifname @bridges ct status dnat ip saddr @local4 masquerade
                add rule inet T postrouting oifname @bridges ct status dnat ip6 saddr @local6 masquerade
                add rule inet T postrouting oifname != @bridges snat ip to ip saddr map @source4
                add rule inet T postrouting oifname != @bridges snat ip6 to ip6 saddr map @source6
                add rule inet T postrouting ip saddr @outbound4 oifname != @bridges masquerade
                add rule inet T postrouting ip6 saddr @outbound6 oifname != @bridges masquerade
                add rule inet T forward iifname . oifname @within accept
                add rule inet T forward iifname @internal drop
                add rule inet T forward oifname @internal drop
                add rule inet T forward oifname @bridges ct state established,related accept
                add rule inet T forward oifname @bridges ct status dnat accept
                add rule inet T forward oifname @bridges meta l4proto . ip daddr . th dport @direct4 accept
                add rule inet T forward oifname @bridges meta l4proto . ip6 daddr . th dport @direct6 accept
                add rule inet T forward oifname @bridges ip daddr @routed4 icmp type echo-request accept
                add rule inet T forward oifname @bridges ip6 daddr @routed6 icmpv6 type echo-request accept
                add rule inet T forward iifname != @bridges oifname @bridges ip daddr @open4 accept
                add rule inet T forward iifname != @bridges oifname @bridges ip6 daddr @open6 accept
                add rule inet T forward oifname @bridges drop
                """.replace("inet T ", "inet " + table + " ")
                .replace("add table inet T\n", "add table inet " + table + "\n")
                .replace("add chain inet T publish\n", "add chain inet " + table + " publish\n");
    }

    /** The elements of a network; again is fine. */
    String add(NetworkSpec network) {
        StringBuilder commands = new StringBuilder();
        elements(network)
                .forEach(e -> commands.append("add element inet ")
                        .append(table)
                        .append(' ')
                        .append(e));
        return commands.toString();
    }

    /** Each element is added before it is deleted, because deleting what is not there would undo all the rest. */
    String remove(NetworkSpec network) {
        StringBuilder commands = new StringBuilder();
        for (String element : elements(network)) {
            commands.append("add element inet ").append(table).append(' ').append(element);
            commands.append("delete element inet ").append(table).append(' ').append(element);
        }
        return commands.toString();
    }

    /** An element that stands whenever the network does: adding it again tells whether the table is still there. */
    String canary(NetworkSpec network) {
        return "add element inet " + table + " bridges { \"" + network.deviceName() + "\" }\n";
    }

    /** The endpoint's ports; again is fine, and a port that leads elsewhere is an error. */
    String publish(EndpointSpec endpoint) {
        StringBuilder commands = new StringBuilder();
        for (PublishedPort port : endpoint.ports()) {
            element(endpoint, port).ifPresent(e -> commands.append(e.add()));
        }
        return commands.toString();
    }

    /** Takes one port away if it leads to this endpoint; otherwise the first of the two commands fails. */
    List<String> unpublish(EndpointSpec endpoint) {
        List<String> commands = new ArrayList<>();
        for (PublishedPort port : endpoint.ports()) {
            element(endpoint, port).ifPresent(e -> commands.add(e.add() + e.delete()));
        }
        return commands;
    }

    /** How many elements the endpoint's ports make that rules look at. */
    long count(EndpointSpec endpoint) {
        return endpoint.ports().stream()
                .flatMap(p -> element(endpoint, p).stream())
                .filter(e -> isRuled(e.map))
                .count();
    }

    /** Whether rules look at what is in the map. */
    static boolean isRuled(String map) {
        return !map.startsWith(CARRIED);
    }

    String delete(String map, List<String> key) {
        return "delete element inet " + table + " " + map + " { " + String.join(" . ", key) + " }\n";
    }

    /**
     * The container's address that a port leads to: of the host address's family where it has one, and else, unless the port is
     * its own, of the other, which the agent carries to; empty where there is none.
     */
    static String inner(EndpointSpec endpoint, PublishedPort port) {
        boolean ipv6 = isIpv6(port.hostAddress());
        String same = bare(ipv6 ? endpoint.ipv6() : endpoint.ipv4());
        return same.isEmpty() && port.isMapped() ? bare(ipv6 ? endpoint.ipv4() : endpoint.ipv6()) : same;
    }

    static boolean isIpv6(String address) {
        return address.indexOf(':') >= 0;
    }

    private Optional<PortElement> element(EndpointSpec endpoint, PublishedPort port) {
        String inner = inner(endpoint, port);
        if (inner.isEmpty()) {
            return Optional.empty();
        }
        String family = isIpv6(port.hostAddress()) ? "6" : "4";
        if (!port.isMapped()) {
            String key = port.protocol() + " . " + inner + " . " + port.containerPort();
            return Optional.of(new PortElement(table, "direct" + family, key, "", endpoint.id()));
        }
        boolean ruled = isIpv6(inner) == isIpv6(port.hostAddress());
        boolean any = ruled
                && (port.hostAddress().equals("0.0.0.0") || port.hostAddress().equals("::"));
        String map = (any ? "any" : ruled ? "ports" : CARRIED) + family;
        String key = any
                ? port.protocol() + " . " + port.hostPort()
                : port.protocol() + " . " + port.hostAddress() + " . " + port.hostPort();
        return Optional.of(
                new PortElement(table, map, key, " : " + inner + " . " + port.containerPort(), endpoint.id()));
    }

    private static List<String> elements(NetworkSpec network) {
        String device = "\"" + network.deviceName() + "\"";
        List<String> elements = new ArrayList<>();
        elements.add("bridges { " + device + " }\n");
        if (Options.talksWithin(network)) {
            elements.add("within { " + device + " . " + device + " }\n");
        }
        if (network.internal()) {
            elements.add("internal { " + device + " }\n");
        }
        for (NetworkSpec.Pool pool : network.pools()) {
            String family = pool.isIpv6() ? "6" : "4";
            elements.add("local" + family + " { " + pool.subnet() + " }\n");
            if (Options.open(network, family.equals("6"))) {
                elements.add("open" + family + " { " + pool.subnet() + " }\n");
            }
            boolean routed = network.routed(family.equals("6"));
            if (routed) {
                elements.add("routed" + family + " { " + pool.subnet() + " }\n");
            }
            if (!network.internal() && !routed && Options.masquerades(network)) {
                String source = Options.source(network, family.equals("6"));
                elements.add(
                        source.isEmpty()
                                ? "outbound" + family + " { " + pool.subnet() + " }\n"
                                : "source" + family + " { " + pool.subnet() + " : " + source + " }\n");
            }
        }
        return elements;
    }

    static String bare(String address) {
        int slash = address.indexOf('/');
        return slash < 0 ? address : address.substring(0, slash);
    }

    /**
     * One published port as an element. The comment says whose it is.
     *
     * @param value what it is mapped to, empty in a set
     */
    private record PortElement(String table, String map, String key, String value, String owner) {
        String add() {
            return "add element inet " + table + " " + map + " { " + key + " comment \"" + owner + "\"" + value
                    + " }\n";
        }

        String delete() {
            return "delete element inet " + table + " " + map + " { " + key + " }\n";
        }
    }
}
