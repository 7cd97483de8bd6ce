package dev.wharf.model;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

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

    /** The option that names a network which is not there: not yet, and the id is made of that name until it is, or no more. */
    public static final String NAME = "dev.wharf.network";

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

    /** What was said to the driver of the network: the options without what stands there under names of ours. */
    public Map<String, String> driverOptions() {
        Map<String, String> said = new LinkedHashMap<>(options);
        said.remove(LINK_LOCAL);
        said.remove(NAME);
        return said;
    }

    /** What stands for the network of that name as long as there is none. */
    public static NetworkId awaited(String name) {
        return new NetworkId(Digest.sha256(NAME + " " + name).hex());
    }

    /** What the network is called that is not there; empty while it is. */
    public Optional<String> missing() {
        return Optional.ofNullable(options.get(NAME));
    }

    /** The name of the network, where whichever is called so is the one. */
    public Optional<String> awaited() {
        return missing().filter(name -> network.equals(awaited(name)));
    }

    /** The same wish of a network that is not there yet. */
    public NetworkWish awaiting(String name) {
        return named(awaited(name), name);
    }

    /** The same wish of a network that was there, and is no more. */
    public NetworkWish without(String name) {
        return named(network, name);
    }

    private NetworkWish named(NetworkId id, String name) {
        Map<String, String> named = new LinkedHashMap<>(options);
        named.put(NAME, name);
        return new NetworkWish(id, aliases, links, ipv4, ipv6, mac, gatewayPriority, named);
    }

    /** The same wish of the network that is called so now. */
    public NetworkWish settled(NetworkId found) {
        Map<String, String> rest = new LinkedHashMap<>(options);
        rest.remove(NAME);
        return new NetworkWish(found, aliases, links, ipv4, ipv6, mac, gatewayPriority, rest);
    }

    public static NetworkWish on(NetworkId network) {
        return new NetworkWish(network, List.of(), List.of(), "", "", "", 0, Map.of());
    }
}
