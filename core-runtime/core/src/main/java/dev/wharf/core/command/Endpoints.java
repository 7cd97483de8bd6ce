package dev.wharf.core.command;

import dev.wharf.core.state.Container;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Leases;
import dev.wharf.core.state.Network;
import dev.wharf.model.ContainerId;
import dev.wharf.model.ContainerSpec;
import dev.wharf.model.EndpointSpec;
import dev.wharf.model.NetworkId;
import dev.wharf.model.NetworkSpec;
import dev.wharf.model.NetworkSpec.Pool;
import dev.wharf.model.NetworkWish;
import dev.wharf.model.PortWish;
import dev.wharf.model.PublishedPort;
import dev.wharf.spi.Failure;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Chooses addresses, interface names and host ports for a container that is about to start or to join a network. */
final class Endpoints {
    /** Linux's usual local port range, from which host ports nobody asked for by number are taken. */
    private static final int FIRST_FREE_PORT = 32768;

    private static final int LAST_FREE_PORT = 60999;

    /** The option of a network that says on which address ports are published that name none. */
    private static final String HOST_BINDING = "com.docker.network.bridge.host_binding_ipv4";

    private final Host host;
    private final ContainerId container;
    private final Entropy entropy;

    Endpoints(Host host, ContainerId container, Entropy entropy) {
        this.host = host;
        this.container = container;
        this.entropy = entropy;
    }

    /** No place could be chosen; the message says why. */
    static final class Impossible extends Exception {
        private static final long serialVersionUID = 1L;
        private final Refusal.Kind kind;

        Impossible(Refusal.Kind kind, String message) {
            super(message, null, false, false);
            this.kind = kind;
        }

        /** What a start that is tried nevertheless fails by; empty for what must not be tried. */
        Optional<Failure> failure() {
            return switch (kind) {
                case TAKEN -> Optional.of(new Failure(Failure.Kind.FAILED, String.valueOf(getMessage())));
                case MISSING -> Optional.of(new Failure(Failure.Kind.MISSING, String.valueOf(getMessage())));
                default -> Optional.empty();
            };
        }

        Decision refused() {
            return Decision.refuse(kind, String.valueOf(getMessage()));
        }
    }

    /** The specification with those networks in it that were wished for by names which nobody had, and somebody has now. */
    static ContainerSpec settled(Host host, ContainerSpec spec) {
        List<NetworkWish> wishes = spec.networking().networks();
        List<NetworkWish> settled = wishes.stream()
                .map(wish -> wish.awaited()
                        .flatMap(host::networkNamed)
                        .filter(Network::wanted)
                        .map(network -> wish.settled(network.id()))
                        .orElse(wish))
                .toList();
        return settled.equals(wishes)
                ? spec
                : spec.withNetworking(spec.networking().withNetworks(settled));
    }

    /** A place for every network the container wants, in order; the ports lead to the first that takes them. */
    List<EndpointSpec> choose(Container c) throws Impossible {
        List<EndpointSpec> chosen = new ArrayList<>();
        boolean ports = false;
        for (NetworkWish wish : c.spec().networking().networks()) {
            Network network = host.network(wish.network())
                    .filter(Network::wanted)
                    .orElseThrow(() -> new Impossible(
                            Refusal.Kind.MISSING,
                            "network " + wish.awaited().orElse(wish.network().value()) + " not found"));
            boolean carries = !ports && carries(network);
            Container.Place held = c.places().get(network.id());
            if (held != null) {
                // Still on its way out: the same place is taken again, so nothing is left behind and no port is asked
                // twice.
                chosen.add(held.endpoint());
                ports = ports || carries;
                continue;
            }
            List<PublishedPort> published = carries ? ports(c, network) : List.of();
            ports = ports || carries;
            chosen.add(choose(network, wish, device(c, network, wish, chosen), published));
        }
        return ranked(c, chosen);
    }

    /**
     * The name of the device inside: the one that is asked for, or the network's prefix with the lowest number that no device
     * in the sandbox has, be it one that comes, one that somebody asks for, or one that is still on its way out.
     */
    private static String device(Container c, Network network, NetworkWish wish, List<EndpointSpec> chosen)
            throws Impossible {
        String asked = wish.device();
        if (!asked.isEmpty()) {
            boolean taken = Stream.concat(
                            chosen.stream(),
                            c.places().values().stream()
                                    .filter(Container.Place::wanted)
                                    .map(Container.Place::endpoint))
                    .anyMatch(e -> e.containerInterface().equals(asked));
            if (taken) {
                throw new Impossible(
                        Refusal.Kind.TAKEN,
                        "error renaming interface of network " + network.spec().name() + " to " + asked + ": container "
                                + c.name() + " has a device of that name already");
            }
            return asked;
        }
        Set<String> taken = Stream.of(
                        chosen.stream().map(EndpointSpec::containerInterface),
                        c.places().values().stream().map(p -> p.endpoint().containerInterface()),
                        c.spec().networking().networks().stream().map(NetworkWish::device))
                .flatMap(names -> names)
                .collect(Collectors.toSet());
        String prefix = prefix(network);
        return IntStream.iterate(0, number -> number + 1)
                .mapToObj(number -> prefix + number)
                .filter(name -> !taken.contains(name))
                .findFirst()
                .orElseThrow();
    }

    private static String prefix(Network network) {
        String prefix = network.spec().options().getOrDefault(NetworkSpec.DEVICE_PREFIX, "");
        return prefix.isEmpty() ? "eth" : prefix;
    }

    /** Whether ports of the host lead there. */
    private static boolean carries(Network network) {
        return !network.spec().internal() && network.hasOwnWire();
    }

    /** A place on one more network for a container that runs, whose ports lead there if they lead nowhere yet. */
    EndpointSpec choose(Container c, Network network, NetworkWish wish) throws Impossible {
        boolean published = c.places().values().stream()
                .filter(Container.Place::wanted)
                .flatMap(p -> host.network(p.endpoint().network()).stream())
                .anyMatch(Endpoints::carries);
        return choose(
                network,
                wish,
                device(c, network, wish, List.of()),
                published || !carries(network) ? List.of() : ports(c, network));
    }

    /**
     * The place that the ports of another lead to when that is left: the next that can have them, with the same ports of the
     * host, where both translate them or neither does. Plugins of CNI hear of ports only when a place is made, so theirs does
     * not take any over.
     */
    static Optional<EndpointSpec> heir(Host host, Container c, NetworkId leaving) {
        Container.Place left = c.places().get(leaving);
        if (left == null || left.endpoint().ports().isEmpty() || !c.goal().wantsProcess()) {
            return Optional.empty();
        }
        return c.spec().networking().networks().stream()
                .filter(w -> !w.network().equals(leaving))
                .filter(w -> host.network(w.network())
                        .filter(n -> carries(n) && !n.spec().driver().value().equals("cni"))
                        .filter(n -> translatesAs(n, host.network(leaving)))
                        .isPresent())
                .flatMap(w -> Optional.ofNullable(c.places().get(w.network())).stream())
                .filter(Container.Place::wanted)
                .map(p -> p.endpoint().withPorts(left.endpoint().ports()))
                .findFirst();
    }

    private static boolean translatesAs(Network one, Optional<Network> other) {
        return other.isPresent()
                && Stream.of(true, false)
                        .allMatch(bySix ->
                                one.spec().routed(bySix) == other.get().spec().routed(bySix));
    }

    /** How far apart default routes stand, so that another finds room between two. */
    private static final int STEP = 1024;

    /** The best way out first: by the wish's priority, and among equals by the network's name, as Docker has it. */
    private Comparator<EndpointSpec> byPreference(Container c) {
        return Comparator.<EndpointSpec>comparingInt(e -> -priority(c, e.network()))
                .thenComparing(
                        e -> host.network(e.network()).map(n -> n.spec().name()).orElse(""));
    }

    private static int priority(Container c, NetworkId network) {
        return c.spec().networking().networks().stream()
                .filter(w -> w.network().equals(network))
                .mapToInt(NetworkWish::gatewayPriority)
                .findFirst()
                .orElse(0);
    }

    private static boolean leadsOut(EndpointSpec endpoint) {
        return !endpoint.gateway4().isEmpty() || !endpoint.gateway6().isEmpty();
    }

    private List<EndpointSpec> ranked(Container c, List<EndpointSpec> chosen) {
        List<EndpointSpec> ways = chosen.stream()
                .filter(Endpoints::leadsOut)
                .sorted(byPreference(c))
                .toList();
        return chosen.stream()
                .map(e -> c.places().containsKey(e.network()) || ways.indexOf(e) < 1
                        ? e
                        : e.withMetric(ways.indexOf(e) * STEP))
                .toList();
    }

    /**
     * The new place with its default route where it belongs among those of a container that runs, and after it, where it is
     * the new way out and the old one stands at the front, the old one moved back.
     *
     * @param c with the wish for the new place in its specification
     */
    List<EndpointSpec> ranked(Container c, EndpointSpec fresh) {
        if (!leadsOut(fresh)) {
            return List.of(fresh);
        }
        List<EndpointSpec> ways = c.places().values().stream()
                .filter(Container.Place::wanted)
                .map(Container.Place::endpoint)
                .filter(Endpoints::leadsOut)
                .sorted(Comparator.comparingInt(EndpointSpec::metric))
                .toList();
        Comparator<EndpointSpec> order = byPreference(c);
        int rank = 0;
        while (rank < ways.size() && order.compare(ways.get(rank), fresh) <= 0) {
            rank++;
        }
        if (ways.isEmpty()) {
            return List.of(fresh);
        }
        if (rank == ways.size()) {
            return List.of(fresh.withMetric(ways.get(rank - 1).metric() + STEP));
        }
        int after = ways.get(rank).metric();
        if (rank > 0) {
            return List.of(fresh.withMetric((ways.get(rank - 1).metric() + after + 1) / 2));
        }
        if (after > 0) {
            return List.of(fresh);
        }
        int next = ways.size() > 1 ? ways.get(1).metric() / 2 : STEP;
        return List.of(fresh, ways.get(0).withMetric(next));
    }

    /** A place on one network. */
    EndpointSpec choose(Network network, NetworkWish wish, String device, List<PublishedPort> ports) throws Impossible {
        if (network.spec().configOnly()) {
            throw new Impossible(
                    Refusal.Kind.FORBIDDEN,
                    "failed to set up container networking: cannot create endpoint on configuration-only network");
        }
        String id = entropy.hex("endpoint/" + wish.network().value());
        Leases leases = host.leases(network.id());
        String v4 = "";
        String v6 = "";
        String gateway4 = "";
        String gateway6 = "";
        for (Pool pool : network.spec().pools()) {
            Addresses.Subnet subnet = Addresses.Subnet.parse(pool.subnet());
            String wanted = subnet.isIpv4() ? wish.ipv4() : wish.ipv6();
            String address = address(network, pool, subnet, leases, wanted) + "/" + subnet.prefix();
            String gateway = network.spec().internal() ? "" : pool.gateway();
            if (subnet.isIpv4()) {
                v4 = address;
                gateway4 = gateway;
            } else {
                v6 = address;
                gateway6 = gateway;
            }
        }
        String mac = !wish.mac().isEmpty()
                ? wish.mac()
                : v4.isEmpty() ? Addresses.anyMac(id) : Addresses.macFor(v4.substring(0, v4.indexOf('/')));
        return new EndpointSpec(
                id,
                network.id(),
                "veth" + id.substring(0, 7),
                device,
                v4,
                gateway4,
                v6,
                gateway6,
                mac,
                wish.aliases(),
                ports,
                wish.options());
    }

    private static String address(Network network, Pool pool, Addresses.Subnet subnet, Leases leases, String wanted)
            throws Impossible {
        if (wanted.isEmpty()) {
            return Addresses.next(pool, leases)
                    .orElseThrow(() -> new Impossible(
                            Refusal.Kind.TAKEN,
                            "no available IPv" + (subnet.isIpv4() ? 4 : 6) + " addresses on network "
                                    + network.spec().name()));
        }
        boolean within;
        try {
            within = subnet.contains(wanted);
        } catch (IllegalArgumentException e) {
            throw new Impossible(Refusal.Kind.INVALID, String.valueOf(e.getMessage()));
        }
        if (!within) {
            throw new Impossible(
                    Refusal.Kind.INVALID,
                    "invalid address " + wanted + ": no configured subnet of network "
                            + network.spec().name() + " contains it");
        }
        if (subnet.isSpecial(wanted) || !Addresses.isFree(pool, leases, wanted)) {
            throw new Impossible(Refusal.Kind.FORBIDDEN, "Address already in use: " + wanted);
        }
        return Addresses.canonical(wanted);
    }

    private static String literal(String binding, Network network) throws Impossible {
        try {
            return Addresses.canonical(binding);
        } catch (IllegalArgumentException e) {
            throw new Impossible(
                    Refusal.Kind.INVALID,
                    "network " + network.spec().name() + " publishes ports on \"" + binding
                            + "\", which is not an address");
        }
    }

    private List<PublishedPort> ports(Container c, Network network) throws Impossible {
        String binding = network.spec().options().getOrDefault(HOST_BINDING, "");
        List<String> everywhere = !binding.isEmpty() && !isAny(binding)
                ? List.of(literal(binding, network))
                : network.spec().ipv6Only() ? List.of("::") : List.of("0.0.0.0", "::");
        Set<PublishedPort> chosen = new LinkedHashSet<>();
        Map<String, Set<String>> taken = new HashMap<>();
        List<PortWish> wishes = new ArrayList<>(c.spec().networking().published());
        if (c.spec().networking().publishAll()) {
            Set<String> said = wishes.stream()
                    .map(wish -> wish.containerPort() + "/" + wish.protocol())
                    .collect(Collectors.toSet());
            for (String exposed : c.spec().networking().exposed()) {
                if (!said.contains(exposed)) {
                    int slash = exposed.indexOf('/');
                    int port = Integer.parseInt(exposed.substring(0, slash));
                    wishes.add(new PortWish(port, exposed.substring(slash + 1), "", 0, 0));
                }
            }
        }
        for (PortWish wish : wishes) {
            // An empty host address means every address of both families, on one and the same port, unless the network
            // says otherwise.
            List<String> addresses = wish.hostAddress().isEmpty() ? everywhere : List.of(wish.hostAddress());
            List<String> mapped = addresses.stream()
                    .filter(address -> !network.spec().routed(isIpv6(address)))
                    .toList();
            int port = mapped.isEmpty() ? 0 : port(wish, mapped, taken);
            mapped.forEach(address -> taken.computeIfAbsent(key(wish.protocol(), port), k -> new HashSet<>())
                    .add(address));
            for (String address : addresses) {
                chosen.add(
                        mapped.contains(address)
                                ? new PublishedPort(wish.containerPort(), wish.protocol(), address, port)
                                : new PublishedPort(
                                        wish.containerPort(), wish.protocol(), isIpv6(address) ? "::" : "0.0.0.0", 0));
            }
        }
        // What is routed is one port of the container's, however often it is published.
        return List.copyOf(chosen);
    }

    private static boolean isIpv6(String address) {
        return address.indexOf(':') >= 0;
    }

    private static String key(String protocol, int port) {
        return port + "/" + protocol;
    }

    /** @param taken the addresses where a port has been chosen, by port and protocol */
    private int port(PortWish wish, List<String> addresses, Map<String, Set<String>> taken) throws Impossible {
        if (wish.hostPortFirst() == 0) {
            int span = LAST_FREE_PORT - FIRST_FREE_PORT + 1;
            int start =
                    entropy.number("port/" + wish.containerPort() + "/" + wish.protocol() + "/" + taken.size(), span);
            for (int i = 0; i < span; i++) {
                int candidate = FIRST_FREE_PORT + (start + i) % span;
                if (isFree(wish.protocol(), candidate, addresses, taken)) {
                    return candidate;
                }
            }
            throw new Impossible(Refusal.Kind.TAKEN, "all host ports from 32768 to 60999 are allocated");
        }
        for (int candidate = wish.hostPortFirst(); candidate <= wish.hostPortLast(); candidate++) {
            if (isFree(wish.protocol(), candidate, addresses, taken)) {
                return candidate;
            }
        }
        throw new Impossible(
                Refusal.Kind.TAKEN,
                "failed to set up container networking: driver failed programming external connectivity on endpoint "
                        + host.container(container).map(Container::name).orElse("")
                        + ": Bind for " + addresses.get(0) + ":" + wish.hostPortFirst()
                        + " failed: port is already allocated");
    }

    private boolean isFree(String protocol, int port, List<String> addresses, Map<String, Set<String>> taken) {
        Set<String> busy = new HashSet<>(taken.getOrDefault(key(protocol, port), Set.of()));
        host.portHolders(protocol, port).forEach((address, holder) -> {
            if (!holder.equals(container)) {
                busy.add(address);
            }
        });
        return addresses.stream().noneMatch(a -> busy.stream().anyMatch(b -> collide(a, b)));
    }

    /** Two listeners on one port collide when their addresses are the same, or one is every address of the family. */
    private static boolean collide(String a, String b) {
        return isIpv6(a) == isIpv6(b) && (a.equals(b) || isAny(a) || isAny(b));
    }

    private static boolean isAny(String address) {
        return address.equals("0.0.0.0") || address.equals("::");
    }

    /** Where a container may be found by name on a network, for the messages of refusals. */
    static Optional<Container> joined(Host host, Container c) {
        return c.spec().networking().sandbox().container().flatMap(host::container);
    }
}
