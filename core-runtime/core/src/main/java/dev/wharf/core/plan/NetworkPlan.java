package dev.wharf.core.plan;

import dev.wharf.core.event.NetworkEvent;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Network;
import dev.wharf.core.state.Stall;
import dev.wharf.model.NetworkId;
import java.time.Instant;
import java.util.Optional;
import java.util.Set;

/** A network has its device while it is wanted, and until the last who were on it have left. */
final class NetworkPlan implements Plan {
    private final NetworkId id;

    NetworkPlan(NetworkId id) {
        this.id = id;
    }

    @Override
    public Proposal next(Host host, Instant now, Set<String> busy) {
        Optional<Network> known = host.network(id);
        if (known.isEmpty()) {
            return Proposal.REST;
        }
        Network network = known.get();
        if (!busy.isEmpty()) {
            return Proposal.AWAIT;
        }
        if (network.stall().isPresent() && now.isBefore(network.stall().get().retryAt())) {
            return Proposal.until(network.stall().get().retryAt());
        }
        int tries = network.stall().map(Stall::tries).orElse(0);
        if (network.wanted()) {
            return network.device().isPresent()
                    ? Proposal.REST
                    : Proposal.step(new NetworkStep.CreateDevice(
                            network.spec(), network.device().last().isEmpty() && tries == 0, tries));
        }
        if (!host.usersOf(id).isEmpty()) {
            return Proposal.AWAIT;
        }
        return network.device().isAbsent()
                ? Proposal.say(new NetworkEvent.Removed(id))
                : Proposal.step(new NetworkStep.RemoveDevice(network.spec(), tries));
    }
}
