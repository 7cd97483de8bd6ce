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
    /** The option that names addresses of the link alone, such as 169.254.8.8, beside those of the network; commas part them. */
    public static final String LINK_LOCAL = "dev.wharf.link-local";

    /** The option that names the device inside, instead of {@code eth} and a number. */
    public static final String DEVICE = "com.docker.network.endpoint.ifname";

    public NetworkWish {
        aliases = Checks.copy(aliases);
        links = Checks.copy(links);
        options = Checks.copy(options);
    }

    /** The addresses of the link alone that it wants, too. */
    public List<String> linkLocal() {
        String text = options.getOrDefault(LINK_LOCAL, "");
        return text.isEmpty() ? List.of() : List.of(text.split(","));
    }

    /** The name that the device inside is to have; empty for any. */
    public String device() {
        return options.getOrDefault(DEVICE, "");
    }

    public static NetworkWish on(NetworkId network) {
        return new NetworkWish(network, List.of(), List.of(), "", "", "", 0, Map.of());
    }
}
