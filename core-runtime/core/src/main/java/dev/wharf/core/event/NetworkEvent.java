package dev.wharf.core.event;

import dev.wharf.core.state.Container;
import dev.wharf.core.state.Fact;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Network;
import dev.wharf.core.state.Stall;
import dev.wharf.model.ContainerSpec.Networking;
import dev.wharf.model.NetworkId;
import dev.wharf.model.NetworkSpec;
import dev.wharf.model.NetworkWish;
import dev.wharf.model.SubjectId;
import dev.wharf.spi.Failure;
import dev.wharf.spi.network.Device;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** What happens to networks. */
public sealed interface NetworkEvent extends Event {
    NetworkId network();

    @Override
    default SubjectId subject() {
        return network();
    }

    @EventType("network.created")
    record Created(NetworkSpec spec, Instant at) implements NetworkEvent {
        @Override
        public NetworkId network() {
            return spec.id();
        }

        @Override
        public Host apply(Host host) {
            return host.with(new Network(spec, at, true, Fact.absent(), Optional.empty()));
        }
    }

    @EventType("network.remove-requested")
    record RemoveRequested(NetworkId network) implements NetworkEvent {
        @Override
        public Host apply(Host host) {
            return host.change(network, Network::unwanted);
        }
    }

    @EventType("network.device-ready")
    record DeviceReady(NetworkId network, Device device) implements NetworkEvent {
        @Override
        public Host apply(Host host) {
            return host.change(network, n -> n.device(Fact.present(device)));
        }
    }

    @EventType("network.device-removed")
    record DeviceRemoved(NetworkId network) implements NetworkEvent {
        @Override
        public Host apply(Host host) {
            return host.change(network, n -> n.device(Fact.absent()));
        }
    }

    @EventType("network.removed")
    record Removed(NetworkId network) implements NetworkEvent {
        /** Who never ran meant the network by its name, which another may have by then; who did meant this one and no other. */
        @Override
        public Host apply(Host host) {
            Optional<Network> removed = host.network(network);
            if (removed.isEmpty()) {
                return host;
            }
            Host after = host;
            for (Container container : host.containers().values()) {
                Networking networking = container.spec().networking();
                if (networking.networks().stream()
                        .anyMatch(wish -> wish.network().equals(network))) {
                    String name = removed.get().spec().name();
                    List<NetworkWish> wishes = networking.networks().stream()
                            .map(wish -> !wish.network().equals(network)
                                    ? wish
                                    : container.hasRun() ? wish.without(name) : wish.awaiting(name))
                            .toList();
                    after = after.with(
                            container.respecified(container.spec().withNetworking(networking.withNetworks(wishes))));
                }
            }
            return after.without(network);
        }
    }

    /** Its device could not be made; a network made just now is given up, a predefined one is tried again. */
    @EventType("network.failed")
    record Failed(NetworkId network, Failure failure) implements NetworkEvent {
        @Override
        public Optional<Failure> trouble() {
            return Optional.of(failure);
        }

        @Override
        public Host apply(Host host) {
            return host.change(network, n -> n.unwanted().device(n.device().doubtful()));
        }
    }

    @EventType("network.stalled")
    record Stalled(NetworkId network, Stall stall) implements NetworkEvent {
        @Override
        public Optional<Failure> trouble() {
            return stall.lasting();
        }

        @Override
        public Host apply(Host host) {
            return host.change(network, n -> n.device(n.device().doubtful()).stalled(stall));
        }
    }

    /**
     * Its device or rules were found missing, or somebody wants them made sure of. One that is wanted is made whole as what it
     * was, however often that fails: it is no network of a moment ago, to be given up.
     */
    @EventType("network.observed")
    record Observed(NetworkId network, boolean there) implements NetworkEvent {
        @Override
        public Host apply(Host host) {
            return host.change(
                    network, n -> n.device(there || n.wanted() ? n.device().doubtful() : Fact.absent()));
        }
    }

    @EventType("network.recorded")
    record Recorded(Network state) implements NetworkEvent {
        @Override
        public NetworkId network() {
            return state.id();
        }

        @Override
        public Host apply(Host host) {
            return host.with(state);
        }
    }
}
