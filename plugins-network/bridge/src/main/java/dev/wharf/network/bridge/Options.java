package dev.wharf.network.bridge;

import dev.wharf.model.NetworkSpec;

/** The options of a network that this driver heeds, by the names under which clients know them. */
final class Options {
    private static final String MTU = "com.docker.network.driver.mtu";
    private static final String MASQUERADE = "com.docker.network.bridge.enable_ip_masquerade";
    private static final String TALK_WITHIN = "com.docker.network.bridge.enable_icc";

    private Options() {}

    /** In bytes; 0 for the kernel's own choice. */
    static int mtu(NetworkSpec network) {
        try {
            return Integer.parseInt(network.options().getOrDefault(MTU, "0"));
        } catch (NumberFormatException e) {
            return 0;
        }
    }

    static boolean masquerades(NetworkSpec network) {
        return !network.options().getOrDefault(MASQUERADE, "true").equalsIgnoreCase("false");
    }

    /** Whether containers on the network may talk to one another. */
    static boolean talksWithin(NetworkSpec network) {
        return !network.options().getOrDefault(TALK_WITHIN, "true").equalsIgnoreCase("false");
    }
}
