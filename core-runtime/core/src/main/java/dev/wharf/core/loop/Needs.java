package dev.wharf.core.loop;

import dev.wharf.core.state.Host;
import dev.wharf.model.DriverId;
import dev.wharf.model.DriverKind;
import dev.wharf.model.DriverName;
import dev.wharf.model.NetworkSpec;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Which drivers the host needs and has not: one that served before may be on its way while the agent starts. */
final class Needs {
    private final Workshop workshop;

    Needs(Workshop workshop) {
        this.workshop = workshop;
    }

    /** Those of everything there is. */
    Set<DriverId> all(Host host) {
        Stream<DriverId> containers = host.containers().values().stream()
                .flatMap(c -> Stream.of(
                        storage(c.spec().storage()),
                        new DriverId(DriverKind.RUNTIME, c.spec().runtime())));
        Stream<DriverId> kept =
                host.kept().values().stream().map(c -> storage(c.spec().storage()));
        Stream<DriverId> layers = host.layers().values().stream().map(l -> storage(l.storage()));
        Stream<DriverId> networks =
                host.networks().values().stream().map(n -> network(n.spec().driver()));
        Set<DriverId> missing =
                missing(Stream.of(containers, kept, layers, networks).flatMap(needed -> needed));
        if (!workshop.content.isThere()) {
            missing.add(storage(new DriverName("content")));
        }
        return missing;
    }

    /** Those without which nobody knows what runs. */
    Set<DriverId> runtimes(Host host) {
        return missing(host.containers().values().stream()
                .map(c -> new DriverId(DriverKind.RUNTIME, c.spec().runtime())));
    }

    /** Those of networks that are still to be made. */
    Set<DriverId> networks(Stream<NetworkSpec> networks) {
        return missing(networks.map(n -> network(n.driver())));
    }

    private Set<DriverId> missing(Stream<DriverId> needed) {
        return needed.distinct()
                .filter(id -> workshop.gate(id).serving(id.name()).isEmpty())
                .collect(Collectors.toCollection(LinkedHashSet::new));
    }

    private static DriverId storage(DriverName name) {
        return new DriverId(DriverKind.STORAGE, name);
    }

    static DriverId network(DriverName name) {
        return new DriverId(DriverKind.NETWORK, name);
    }
}
