package dev.wharf.spi.network;

import dev.wharf.model.NetworkId;
import java.util.List;
import java.util.Set;

/**
 * Whoever can be reached on a network.
 *
 * @param network as this host knows it
 * @param endpoint the id of its place
 * @param container the name that reverse look-ups answer with
 * @param names all it answers to there, in lower case
 * @param addresses without prefix length
 */
public record Resident(
        NetworkId network, String endpoint, String container, Set<String> names, List<String> addresses, String mac) {
    public Resident {
        names = Set.copyOf(names);
        addresses = List.copyOf(addresses);
    }
}
