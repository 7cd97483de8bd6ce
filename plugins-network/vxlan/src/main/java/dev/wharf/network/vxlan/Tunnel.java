package dev.wharf.network.vxlan;

import dev.wharf.model.NetworkId;
import dev.wharf.spi.kernel.Links.Link;
import java.util.Optional;

/**
 * A tunnel of ours as it stands in the kernel; its alias says what it is for.
 *
 * @param number the network's identifier in its frames
 * @param sealed whether it stands on the encrypted link
 */
record Tunnel(String name, String bridge, NetworkId network, int number, boolean sealed) {
    private static final String SEALED = "sealed";

    static String alias(String agent, NetworkId network, int number, String bridge, boolean sealed) {
        String plain = String.join(" ", agent, "tunnel", network.value(), Integer.toString(number), bridge);
        return sealed ? plain + " " + SEALED : plain;
    }

    /** The name of a network's tunnel, of 15 bytes as the kernel's names are at most. */
    static String name(NetworkId network) {
        return "vx-" + network.value().substring(0, 12);
    }

    static Optional<Tunnel> parse(Link link, String agent) {
        String[] words = link.alias().split(" ", -1);
        boolean sealed = words.length == 6 && words[5].equals(SEALED);
        return (words.length == 5 || sealed)
                        && words[0].equals(agent)
                        && words[1].equals("tunnel")
                        && words[3].matches("[0-9]{1,8}")
                ? Optional.of(
                        new Tunnel(link.name(), words[4], new NetworkId(words[2]), Integer.parseInt(words[3]), sealed))
                : Optional.empty();
    }
}
