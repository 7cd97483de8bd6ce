package dev.wharf.core.command;

import static dev.wharf.core.command.Decision.accept;
import static dev.wharf.core.command.Decision.refuse;

import dev.wharf.core.event.ContainerEvent;
import dev.wharf.core.event.Event;
import dev.wharf.core.event.NetworkEvent;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Network;
import dev.wharf.model.AddressPool;
import dev.wharf.model.NetworkId;
import dev.wharf.model.NetworkSpec;
import dev.wharf.model.NetworkSpec.Pool;
import dev.wharf.spi.network.Neighbour;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/** Wishes about networks. */
public sealed interface NetworkCommand extends Command {
    /**
     * Makes a network. A specification without pools gets the first of the house's own subnets that is free, one that wants
     * IPv6 and names none one of the house's or a subnet of its own; pools without a gateway get their first address.
     *
     * @param neighbours networks that the host knows the way to, which the house fills in
     * @param house where subnets come from that nobody names, which the house fills in, too; of IPv4 the usual ones if none
     */
    record Create(NetworkSpec spec, List<Neighbour> neighbours, List<AddressPool> house) implements NetworkCommand {
        /** Where subnets are taken from: those Docker takes, in the same order. */
        private static final List<AddressPool> USUAL = List.of(
                new AddressPool("172.17.0.0/16", 16),
                new AddressPool("172.18.0.0/15", 16),
                new AddressPool("172.20.0.0/14", 16),
                new AddressPool("172.24.0.0/13", 16),
                new AddressPool("192.168.0.0/16", 20));

        /** Names that say something else where a container names its network. */
        private static final Set<String> TAKEN = Set.of("bridge", "host", "none", "default", "container");

        public Create {
            neighbours = List.copyOf(neighbours);
            house = List.copyOf(house);
        }

        public Create(NetworkSpec spec, List<Neighbour> neighbours) {
            this(spec, neighbours, List.of());
        }

        public Create(NetworkSpec spec) {
            this(spec, List.of());
        }

        @Override
        public Decision decide(Host host, Instant now) {
            if (spec.name().isBlank()) {
                return refuse(Refusal.Kind.INVALID, "invalid name: name is empty");
            }
            if (!spec.predefined() && TAKEN.contains(spec.name())) {
                return refuse(
                        Refusal.Kind.FORBIDDEN,
                        "operation is not permitted on predefined " + spec.name() + " network ");
            }
            Optional<Network> same = host.networkNamed(spec.name());
            if (same.isPresent()) {
                return refuse(Refusal.Kind.CONFLICT, "network with name " + spec.name() + " already exists");
            }
            if (!spec.configFrom().isEmpty() && !isConfiguration(host, spec.configFrom())) {
                return refuse(
                        Refusal.Kind.MISSING, "configuration network \"" + spec.configFrom() + "\" does not exist");
            }
            Optional<Network> rival = host.networks().values().stream()
                    .filter(n -> hasABridge(n.spec()) && hasABridge(spec))
                    .filter(n -> n.spec().deviceName().equals(spec.deviceName()))
                    .findFirst();
            if (rival.isPresent()) {
                return refuse(
                        Refusal.Kind.FORBIDDEN,
                        "cannot create network " + spec.name() + " (" + spec.deviceName() + "): conflicts with network "
                                + rival.get().spec().name() + ": networks have same bridge name");
            }
            // What is only kept for others is looked at where they are made.
            if (spec.configOnly() || spec.pools().isEmpty() && !wantsAddresses()) {
                return created(spec.pools(), now);
            }
            try {
                return created(pools(host), now);
            } catch (Unfit e) {
                return refuse(e.kind, String.valueOf(e.getMessage()));
            } catch (IllegalArgumentException e) {
                return refuse(Refusal.Kind.INVALID, String.valueOf(e.getMessage()));
            }
        }

        /** A bridge is of one network, where the parent of macvlans may be of several. */
        private static boolean hasABridge(NetworkSpec network) {
            return network.driver().value().equals("bridge") && !network.configOnly();
        }

        private static boolean isConfiguration(Host host, String name) {
            return host.networkNamed(name).filter(n -> n.spec().configOnly()).isPresent();
        }

        private static final String NO_CIDR = "invalid CIDR block notation";

        private static final class Unfit extends Exception {
            private static final long serialVersionUID = 1L;
            private final Refusal.Kind kind;

            Unfit(Refusal.Kind kind, String message) {
                super(message, null, false, false);
                this.kind = kind;
            }
        }

        private List<Pool> pools(Host host) throws Unfit {
            List<Addresses.Subnet> taken = host.networks().values().stream()
                    .filter(n -> !n.spec().configOnly())
                    .flatMap(n -> n.spec().pools().stream())
                    .map(p -> Addresses.Subnet.parse(p.subnet()))
                    .toList();
            List<Pool> given = new ArrayList<>();
            for (Pool pool : spec.pools()) {
                given.add(checked(pool, taken));
            }
            long six = given.stream().filter(Pool::isIpv6).count();
            long four = given.size() - six;
            if (four > 1 || six > 1) {
                throw new Unfit(
                        Refusal.Kind.INVALID, spec.driver().value() + " driver doesn't support multiple subnets");
            }
            if (four > 0 && spec.ipv6Only()) {
                throw new Unfit(
                        Refusal.Kind.INVALID,
                        "invalid network config:\nnetwork " + spec.name() + " has no IPv4, and "
                                + given.get(0).subnet() + " is a subnet of it");
            }
            List<Pool> pools = new ArrayList<>();
            if (four == 0 && !spec.ipv6Only()) {
                List<AddressPool> own = house(true);
                pools.add(free(own.isEmpty() ? USUAL : own, taken));
            }
            given.stream().filter(p -> !p.isIpv6()).forEach(pools::add);
            given.stream().filter(Pool::isIpv6).forEach(pools::add);
            if (six == 0 && spec.ipv6()) {
                List<AddressPool> own = house(false);
                pools.add(own.isEmpty() ? uniqueLocal() : free(own, taken));
            }
            return pools;
        }

        private List<AddressPool> house(boolean ipv4) {
            return house.stream().filter(p -> p.base().indexOf(':') < 0 == ipv4).toList();
        }

        /** What is left of the network's own device, where a data root was removed and the host not booted, is in no way. */
        private Stream<Neighbour> others() {
            return neighbours.stream().filter(n -> !n.device().equals(spec.deviceName()));
        }

        /** The first subnet that neither a network of ours is in nor any that the host knows the way to. */
        private Pool free(List<AddressPool> pools, List<Addresses.Subnet> taken) throws Unfit {
            List<Addresses.Subnet> around = new ArrayList<>(taken);
            others().forEach(n -> around.add(Addresses.Subnet.parse(n.subnet())));
            Addresses.Subnet free = pools.stream()
                    .flatMap(p -> Addresses.Subnet.parse(p.base()).free(p.size(), around).stream())
                    .findFirst()
                    .orElseThrow(() ->
                            new Unfit(Refusal.Kind.TAKEN, "all predefined address pools have been fully subnetted"));
            return new Pool(free.toString(), usualGateway(free), "", Map.of(), true, false);
        }

        /** Of a network's own (RFC 4193): the digits of its id are as good as chance, so nobody else has the same. */
        private Pool uniqueLocal() {
            String id = spec.id().value();
            Addresses.Subnet subnet = Addresses.Subnet.parse("fd" + id.substring(0, 2) + ":" + id.substring(2, 6) + ":"
                    + id.substring(6, 10) + ":" + id.substring(10, 14) + "::/64");
            return new Pool(subnet.toString(), usualGateway(subnet), "", Map.of(), true, false);
        }

        private String usualGateway(Addresses.Subnet subnet) {
            return spec.isolated(!subnet.isIpv4()) ? "" : subnet.usualGateway();
        }

        private Pool checked(Pool pool, List<Addresses.Subnet> taken) throws Unfit {
            Addresses.Subnet subnet;
            try {
                subnet = Addresses.Subnet.parse(pool.subnet());
            } catch (IllegalArgumentException e) {
                throw unfit("subnet", pool.subnet(), NO_CIDR);
            }
            if (!isMasked(pool.subnet(), subnet)) {
                throw unfit("subnet", pool.subnet(), "it should be " + subnet);
            }
            String gateway = pool.gateway().isEmpty() ? usualGateway(subnet) : pool.gateway();
            if (!gateway.isEmpty()) {
                within(subnet, gateway, "gateway", gateway);
                gateway = Addresses.canonical(gateway);
            }
            if (!pool.range().isEmpty()) {
                checkRange(subnet, pool.range());
            }
            for (Map.Entry<String, String> reserved : pool.reserved().entrySet()) {
                within(subnet, reserved.getValue(), "auxiliary address", reserved.getKey());
            }
            if (taken.stream().anyMatch(subnet::overlaps)) {
                throw new Unfit(
                        Refusal.Kind.FORBIDDEN,
                        "invalid pool request: Pool overlaps with other one on this address space");
            }
            // Of a network that the operator named at the start, the operator knows.
            Optional<Neighbour> near = others().filter(n -> n.connected() && !spec.predefined())
                    .filter(n -> Addresses.Subnet.parse(n.subnet()).overlaps(subnet))
                    .findFirst();
            if (near.isPresent()) {
                throw new Unfit(
                        Refusal.Kind.FORBIDDEN,
                        "invalid pool request: Pool overlaps with other one on this address space: the host is on "
                                + near.get().subnet() + " by device "
                                + near.get().device());
            }
            boolean ours = pool.gatewayChosen() || pool.gateway().isEmpty();
            return new Pool(subnet.toString(), gateway, pool.range(), pool.reserved(), false, ours);
        }

        private static void checkRange(Addresses.Subnet subnet, String cidr) throws Unfit {
            Addresses.Subnet range;
            try {
                range = Addresses.Subnet.parse(cidr);
            } catch (IllegalArgumentException e) {
                throw unfit("ip-range", cidr, NO_CIDR);
            }
            if (range.prefix() < subnet.prefix()) {
                throw unfit("ip-range", cidr, "CIDR block is bigger than its parent subnet " + subnet);
            }
            if (!isMasked(cidr, range)) {
                throw unfit("ip-range", cidr, "it should be " + range);
            }
            if (!subnet.contains(range.at(0))) {
                throw unfit("ip-range", cidr, "parent subnet " + subnet + " doesn't contain ip-range");
            }
        }

        private static boolean isMasked(String cidr, Addresses.Subnet subnet) {
            return Addresses.canonical(cidr.substring(0, cidr.indexOf('/'))).equals(subnet.at(0));
        }

        private static void within(Addresses.Subnet subnet, String address, String what, String name) throws Unfit {
            boolean contains;
            try {
                contains = subnet.contains(address);
            } catch (IllegalArgumentException e) {
                throw unfit(what, name, "invalid address");
            }
            if (!contains) {
                throw unfit(what, name, "parent subnet " + subnet + " doesn't contain this address");
            }
        }

        private static Unfit unfit(String what, String said, String why) {
            return new Unfit(
                    Refusal.Kind.INVALID, "invalid network config:\ninvalid " + what + " " + said + ": " + why);
        }

        private boolean wantsAddresses() {
            return !spec.driver().value().equals("host")
                    && !spec.driver().value().equals("none")
                    && !spec.driver().value().equals("null");
        }

        private Decision created(List<Pool> pools, Instant now) {
            NetworkSpec whole = spec.planned(spec.deviceName(), pools, spec.internal(), spec.options());
            return accept(new NetworkEvent.Created(whole, now))
                    .until(e -> e instanceof NetworkEvent n
                            && n.network().equals(spec.id())
                            && (n instanceof NetworkEvent.DeviceReady || n instanceof NetworkEvent.Failed));
        }
    }

    /** Has a network's device and rules, and what leads to its containers, made whole again. */
    record Reconcile(NetworkId network) implements NetworkCommand {
        @Override
        public Decision decide(Host host, Instant now) {
            Optional<Network> known = host.network(network).filter(Network::wanted);
            if (known.isEmpty()) {
                return refuse(Refusal.Kind.MISSING, "network " + network + " not found");
            }
            List<Event> events = new ArrayList<>();
            events.add(new NetworkEvent.Observed(network, true));
            for (Container user : host.usersOf(network)) {
                Container.Place place = user.places().get(network);
                if (place != null && place.wanted() && place.fact().isPresent()) {
                    events.add(new ContainerEvent.Observed(user.id(), "endpoint:" + network.value(), true));
                }
            }
            return accept(events)
                    .until(e -> e instanceof NetworkEvent n
                            && n.network().equals(network)
                            && (n instanceof NetworkEvent.DeviceReady
                                    || n instanceof NetworkEvent.Stalled
                                    || n instanceof NetworkEvent.Removed));
        }
    }

    record Remove(NetworkId network) implements NetworkCommand {
        @Override
        public boolean letsGo() {
            return true;
        }

        @Override
        public Decision decide(Host host, Instant now) {
            Optional<Network> known = host.network(network);
            if (known.isEmpty()) {
                return refuse(Refusal.Kind.MISSING, "network " + network + " not found");
            }
            NetworkSpec spec = known.get().spec();
            if (spec.predefined()) {
                return refuse(Refusal.Kind.FORBIDDEN, spec.name() + " is a pre-defined network and cannot be removed");
            }
            boolean followed = spec.configOnly()
                    && host.networks().values().stream()
                            .anyMatch(n -> n.wanted() && n.spec().configFrom().equals(spec.name()));
            if (followed) {
                return refuse(
                        Refusal.Kind.FORBIDDEN,
                        "error while removing network: configuration network \"" + spec.name() + "\" is in use");
            }
            Optional<Container> staying =
                    host.usersOf(network).stream().filter(this::isStaying).findFirst();
            if (staying.isPresent()) {
                return refuse(
                        Refusal.Kind.FORBIDDEN,
                        "error while removing network: network " + spec.name() + " has active endpoints (name:\""
                                + staying.get().name() + "\" id:\""
                                + staying.get().id().shortForm() + "\")");
            }
            return accept(new NetworkEvent.RemoveRequested(network))
                    .until(e -> e instanceof NetworkEvent n
                            && n.network().equals(network)
                            && (n instanceof NetworkEvent.Removed
                                    || n instanceof NetworkEvent.Stalled
                                            && n.trouble().isPresent()));
        }

        /** Whether a container keeps its place, or does not get rid of it; one that ended gives it back in a moment. */
        private boolean isStaying(Container user) {
            Container.Place place = user.places().get(network);
            return user.stall().isPresent() || user.goal().wantsProcess() && place != null && place.wanted();
        }
    }
}
