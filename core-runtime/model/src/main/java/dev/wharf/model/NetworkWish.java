package dev.wharf.model;

import java.util.List;
import java.util.Map;

/**
 * A container's wish to be on a network.
 *
 * @param ipv4 a fixed address, or empty for any free one
 * @param ipv6 a fixed address, or empty for any free one where the network has IPv6
 * @param mac a fixed hardware address, or empty
 */
public record NetworkWish(
        NetworkId network,
        List<String> aliases,
        List<String> links,
        String ipv4,
        String ipv6,
        String mac,
        int gatewayPriority,
        Map<String, String> options) {
    public NetworkWish {
        aliases = Checks.copy(aliases);
        links = Checks.copy(links);
        options = Checks.copy(options);
    }

    public static NetworkWish on(NetworkId network) {
        return new NetworkWish(network, List.of(), List.of(), "", "", "", 0, Map.of());
    }
}
