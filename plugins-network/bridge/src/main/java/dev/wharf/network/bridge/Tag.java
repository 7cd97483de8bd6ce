package dev.wharf.network.bridge;

import dev.wharf.model.EndpointSpec;
import dev.wharf.model.NetworkId;
import dev.wharf.model.NetworkSpec;
import java.util.Optional;

/**
 * What is written in a device's alias: whose it is and what belongs to it. 256 bytes at most, so short.
 *
 * @param agent the agent's table
 * @param kind {@code network}, {@code endpoint}, or {@code gone} for one that waits for the end of its sandbox
 * @param id of the network, or of the endpoint
 * @param ports how many elements its published ports make
 */
record Tag(String agent, String kind, String id, String network, String mac, long ports) {
    static Tag of(String agent, NetworkSpec network) {
        return new Tag(agent, "network", network.id().value(), network.id().value(), "", 0);
    }

    static Tag of(String agent, EndpointSpec endpoint, long ports) {
        return new Tag(agent, "endpoint", endpoint.id(), endpoint.network().value(), endpoint.mac(), ports);
    }

    Tag gone() {
        return new Tag(agent, "gone", id, network, mac, 0);
    }

    boolean isEndpoint() {
        return kind.equals("endpoint");
    }

    boolean isNetwork() {
        return kind.equals("network");
    }

    boolean isGone() {
        return kind.equals("gone");
    }

    NetworkId networkId() {
        return new NetworkId(network);
    }

    static Optional<Tag> parse(String alias) {
        String[] words = alias.split(" ", -1);
        if (words.length != 6 || !words[0].startsWith("wharf-") || !words[5].matches("[0-9]{1,9}")) {
            return Optional.empty();
        }
        return Optional.of(new Tag(words[0], words[1], words[2], words[3], words[4], Long.parseLong(words[5])));
    }

    @Override
    public String toString() {
        return String.join(" ", agent, kind, id, network, mac, Long.toString(ports));
    }
}
