package dev.wharf.core.command;

import static dev.wharf.core.command.Decision.accept;
import static dev.wharf.core.command.Decision.refuse;

import dev.wharf.core.event.NetworkEvent;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Network;
import dev.wharf.model.NetworkId;
import dev.wharf.model.NetworkSpec;
import dev.wharf.model.NetworkSpec.Pool;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** Wishes about networks. */
public sealed interface NetworkCommand extends Command {
    /**
     * Makes a network. A specification without pools gets the first of the house's own subnets that is free; pools without a
     * gateway get their first address.
     */
    record Create(NetworkSpec spec) implements NetworkCommand {
        /** Where subnets are taken from: those Docker takes, in the same order. */
        private static final List<String> DEFAULT_POOLS = defaultPools();

        @Override
        public Decision decide(Host host, Instant now) {
            Optional<Network> same = host.networkNamed(spec.name());
            if (same.isPresent()) {
                return refuse(Refusal.Kind.CONFLICT, "network with name " + spec.name() + " already exists");
            }
            boolean addressed = spec.pools().isEmpty() ? wantsAddresses() : true;
            if (!addressed) {
                return created(spec.pools(), now);
            }
            List<Addresses.Subnet> taken = host.networks().values().stream()
                    .flatMap(n -> n.spec().pools().stream())
                    .map(p -> Addresses.Subnet.parse(p.subnet()))
                    .collect(Collectors.toCollection(ArrayList::new));
            try {
                List<Pool> pools = new ArrayList<>();
                if (spec.pools().stream()
                        .noneMatch(p -> Addresses.Subnet.parse(p.subnet()).isIpv4())) {
                    Optional<Addresses.Subnet> free = DEFAULT_POOLS.stream()
                            .map(Addresses.Subnet::parse)
                            .filter(s -> taken.stream().noneMatch(s::overlaps))
                            .findFirst();
                    if (free.isEmpty()) {
                        return refuse(
                                Refusal.Kind.TAKEN,
                                "could not find an available, non-overlapping IPv4 address pool among the defaults to "
                                        + "assign to the network");
                    }
                    pools.add(new Pool(free.get().toString(), free.get().at(1), "", Map.of()));
                }
                for (Pool pool : spec.pools()) {
                    Addresses.Subnet subnet = Addresses.Subnet.parse(pool.subnet());
                    if (taken.stream().anyMatch(subnet::overlaps)) {
                        return refuse(
                                Refusal.Kind.FORBIDDEN,
                                "Pool overlaps with other one on this address space: " + pool.subnet());
                    }
                    String gateway = pool.gateway().isEmpty() ? subnet.at(1) : pool.gateway();
                    if (!subnet.contains(gateway)) {
                        return refuse(
                                Refusal.Kind.INVALID,
                                "no matching subnet for gateway " + gateway + " in " + pool.subnet());
                    }
                    pools.add(new Pool(subnet.toString(), gateway, pool.range(), pool.reserved()));
                }
                return created(pools, now);
            } catch (IllegalArgumentException e) {
                return refuse(Refusal.Kind.INVALID, String.valueOf(e.getMessage()));
            }
        }

        private boolean wantsAddresses() {
            return !spec.driver().value().equals("host")
                    && !spec.driver().value().equals("none")
                    && !spec.driver().value().equals("null");
        }

        private Decision created(List<Pool> pools, Instant now) {
            NetworkSpec whole = new NetworkSpec(
                    spec.id(),
                    spec.name(),
                    spec.driver(),
                    spec.deviceName(),
                    pools,
                    spec.internal(),
                    spec.attachable(),
                    spec.ipv6(),
                    spec.predefined(),
                    spec.options(),
                    spec.ipamOptions(),
                    spec.labels());
            return accept(new NetworkEvent.Created(whole, now))
                    .until(e -> e instanceof NetworkEvent n
                            && n.network().equals(spec.id())
                            && (n instanceof NetworkEvent.DeviceReady || n instanceof NetworkEvent.Failed));
        }

        private static List<String> defaultPools() {
            List<String> pools = new ArrayList<>();
            for (int second = 17; second < 32; second++) {
                pools.add("172." + second + ".0.0/16");
            }
            for (int third = 0; third < 256; third += 16) {
                pools.add("192.168." + third + ".0/20");
            }
            return List.copyOf(pools);
        }
    }

    record Remove(NetworkId network) implements NetworkCommand {
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
            List<Container> users = host.usersOf(network);
            if (!users.isEmpty()) {
                return refuse(
                        Refusal.Kind.FORBIDDEN,
                        "error while removing network: network " + spec.name() + " has active endpoints (name:\""
                                + users.get(0).name() + "\" id:\""
                                + users.get(0).id().shortForm() + "\")");
            }
            return accept(new NetworkEvent.RemoveRequested(network))
                    .until(e ->
                            e instanceof NetworkEvent.Removed r && r.network().equals(network));
        }
    }
}
