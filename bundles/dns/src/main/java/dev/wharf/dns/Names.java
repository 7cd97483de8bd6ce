package dev.wharf.dns;

import dev.wharf.core.state.Container;
import dev.wharf.core.state.Container.Place;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Network;
import dev.wharf.model.EndpointSpec;
import dev.wharf.model.NetworkId;
import dev.wharf.model.NetworkWish;
import dev.wharf.spi.network.Neighbourhood;
import dev.wharf.spi.network.Resident;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * What one container may know of others by name: those with a place on a network that it is on itself. Read afresh from the
 * host with every question, so there is nothing to be kept or to grow old.
 *
 * @param around who knows of others on the same networks on other hosts
 */
record Names(Host host, Container asker, List<Neighbourhood> around) {
    Names(Host host, Container asker) {
        this(host, asker, List.of());
    }

    /** Whether a container is asked for at all: the default bridge is without names, as it always was. */
    static boolean serves(Host host, Container c) {
        return c.places().values().stream().anyMatch(p -> p.wanted() && isNamed(host, p));
    }

    private static boolean isNamed(Host host, Place place) {
        return host.network(place.endpoint().network())
                .map(n -> !n.spec().predefined())
                .orElse(false);
    }

    /**
     * The addresses of whom the asker means by {@code name}; empty where that is nobody here. The first of its networks that
     * knows the name answers, as one name may mean different containers on different networks.
     */
    Optional<List<InetAddress>> addresses(String name) {
        String wanted = name.toLowerCase(Locale.ROOT);
        return networks()
                .flatMap(network -> addresses(network, wanted).stream())
                .findFirst();
    }

    private Optional<List<InetAddress>> addresses(Network network, String wanted) {
        String suffix = "." + network.spec().name().toLowerCase(Locale.ROOT);
        List<InetAddress> found = linked(network, wanted);
        if (found.isEmpty()) {
            found = known(network, wanted);
        }
        if (found.isEmpty() && wanted.endsWith(suffix)) {
            found = known(network, wanted.substring(0, wanted.length() - suffix.length()));
        }
        return found.isEmpty() ? Optional.empty() : Optional.of(found);
    }

    /** Those here and those on other hosts alike, for one name may be an alias of many. */
    private List<InetAddress> known(Network network, String wanted) {
        List<InetAddress> found = members(network, c -> answersTo(c, network, wanted));
        for (Neighbourhood neighbourhood : around) {
            neighbourhood.beyond(network.id()).stream()
                    .filter(r -> r.names().contains(wanted))
                    .flatMap(r -> r.addresses().stream())
                    .map(Names::literal)
                    .filter(a -> !found.contains(a))
                    .forEach(found::add);
        }
        return found;
    }

    private interface Which {
        boolean is(Container c);
    }

    private List<InetAddress> members(Network network, Which which) {
        List<InetAddress> found = new ArrayList<>();
        for (Container c : host.usersOf(network.id())) {
            Place place = c.places().get(network.id());
            if (place != null && isThere(place) && which.is(c)) {
                found.addAll(addresses(place.endpoint()));
            }
        }
        return found;
    }

    /** A place that is being looked at is still there, as far as anybody knows. */
    private static boolean isThere(Place place) {
        return place.wanted() && !place.fact().isAbsent();
    }

    private static boolean answersTo(Container c, Network network, String wanted) {
        return c.name().toLowerCase(Locale.ROOT).equals(wanted)
                || c.id().shortForm().equals(wanted)
                || c.spec().hostname().toLowerCase(Locale.ROOT).equals(wanted)
                || wish(c, network.id())
                        .map(w -> w.aliases().stream()
                                .anyMatch(a -> a.toLowerCase(Locale.ROOT).equals(wanted)))
                        .orElse(false);
    }

    /** Who is on a network here, with all they answer to. */
    static List<Resident> residents(Host host, NetworkId id) {
        Optional<Network> network = host.network(id).filter(n -> !n.spec().predefined());
        if (network.isEmpty()) {
            return List.of();
        }
        List<Resident> residents = new ArrayList<>();
        for (Container c : host.usersOf(id)) {
            Place place = c.places().get(id);
            if (place != null && isThere(place)) {
                EndpointSpec endpoint = place.endpoint();
                residents.add(new Resident(
                        id,
                        endpoint.id(),
                        c.name(),
                        all(c, id),
                        addresses(endpoint).stream()
                                .map(InetAddress::getHostAddress)
                                .toList(),
                        endpoint.mac()));
            }
        }
        return residents;
    }

    private static Set<String> all(Container c, NetworkId network) {
        Set<String> names = new HashSet<>();
        names.add(c.name().toLowerCase(Locale.ROOT));
        names.add(c.id().shortForm());
        names.add(c.spec().hostname().toLowerCase(Locale.ROOT));
        wish(c, network).ifPresent(w -> w.aliases().forEach(alias -> names.add(alias.toLowerCase(Locale.ROOT))));
        names.remove("");
        return names;
    }

    /** Links are the asker's own words for others. */
    private List<InetAddress> linked(Network network, String wanted) {
        for (String link : wish(asker, network.id()).map(NetworkWish::links).orElse(List.of())) {
            int colon = link.indexOf(':');
            String target = colon < 0 ? link : link.substring(0, colon);
            String alias = colon < 0 ? link : link.substring(colon + 1);
            if (alias.toLowerCase(Locale.ROOT).equals(wanted)) {
                String plain = target.startsWith("/") ? target.substring(1) : target;
                List<InetAddress> named = known(network, plain.toLowerCase(Locale.ROOT));
                return named.isEmpty() && plain.length() >= 12
                        ? members(network, c -> c.id().value().startsWith(plain))
                        : named;
            }
        }
        return List.of();
    }

    /** The name of whoever has an address on a network of the asker's. */
    Optional<String> owner(InetAddress address) {
        return networks()
                .flatMap(n -> host
                        .leases(n.id())
                        .holder(address.getHostAddress())
                        .or(() -> holder(n, address))
                        .flatMap(host::container)
                        .map(Container::name)
                        .or(() -> beyond(n, address))
                        .map(name -> name + "." + n.spec().name())
                        .stream())
                .findFirst();
    }

    private Optional<String> beyond(Network network, InetAddress address) {
        return around.stream()
                .flatMap(a -> a.beyond(network.id()).stream())
                .filter(r -> r.addresses().stream().map(Names::literal).anyMatch(address::equals))
                .map(Resident::container)
                .findFirst();
    }

    /** IPv6 has many ways to write an address. */
    private Optional<dev.wharf.model.ContainerId> holder(Network network, InetAddress address) {
        return host.usersOf(network.id()).stream()
                .filter(c -> {
                    Place place = c.places().get(network.id());
                    return place != null && addresses(place.endpoint()).contains(address);
                })
                .map(Container::id)
                .findFirst();
    }

    /** Whether nothing the asker is on leads outside. */
    boolean isEnclosed() {
        return asker.places().values().stream()
                .filter(Place::wanted)
                .map(p -> host.network(p.endpoint().network()))
                .flatMap(Optional::stream)
                .allMatch(n -> n.spec().internal());
    }

    /** Whether an address belongs to a network that the asker is on. */
    boolean isNear(InetAddress address) {
        return asker.places().values().stream()
                .filter(Place::wanted)
                .flatMap(p -> host.network(p.endpoint().network()).stream())
                .flatMap(n -> n.spec().pools().stream())
                .anyMatch(p -> dev.wharf.core.command.Addresses.Subnet.parse(p.subnet())
                        .contains(address.getHostAddress()));
    }

    /** The networks with names that the asker is on, the one it prefers for its way out first. */
    private Stream<Network> networks() {
        return asker.places().values().stream()
                .filter(p -> p.wanted() && isNamed(host, p))
                .sorted(Comparator.comparingInt(p -> p.endpoint().metric()))
                .flatMap(p -> host.network(p.endpoint().network()).stream());
    }

    private static Optional<NetworkWish> wish(Container c, NetworkId network) {
        return c.spec().networking().networks().stream()
                .filter(w -> w.network().equals(network))
                .findFirst();
    }

    private static List<InetAddress> addresses(EndpointSpec endpoint) {
        return Stream.of(endpoint.ipv4(), endpoint.ipv6())
                .filter(cidr -> !cidr.isEmpty())
                .map(cidr -> literal(cidr.substring(0, cidr.indexOf('/'))))
                .toList();
    }

    /** Addresses only, so nothing is ever looked up. */
    private static InetAddress literal(String text) {
        try {
            return InetAddress.getByName(text);
        } catch (UnknownHostException e) {
            throw new IllegalStateException("an address of the journal is none: " + text, e);
        }
    }
}
