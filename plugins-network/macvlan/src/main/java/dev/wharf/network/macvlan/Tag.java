package dev.wharf.network.macvlan;

import dev.wharf.model.NetworkId;
import java.util.Optional;

/**
 * What is written in a device's alias: whose it is and what it is for.
 *
 * @param agent names this agent among others of the machine
 * @param kind {@code parent}, {@code endpoint}, or {@code gone} for one that waits for the end of its sandbox
 * @param id of the network, or of the endpoint
 * @param mode the network mode that made it
 */
record Tag(String agent, String kind, String id, NetworkId network, String mac, String mode) {
    static Optional<Tag> parse(String alias) {
        String[] words = alias.split(" ", -1);
        return words.length == 6 && words[0].startsWith("wharf-")
                ? Optional.of(new Tag(words[0], words[1], words[2], new NetworkId(words[3]), words[4], words[5]))
                : Optional.empty();
    }

    Tag gone() {
        return new Tag(agent, "gone", id, network, mac, mode);
    }

    boolean isEndpoint() {
        return kind.equals("endpoint");
    }

    @Override
    public String toString() {
        return String.join(" ", agent, kind, id, network.value(), mac, mode);
    }
}
