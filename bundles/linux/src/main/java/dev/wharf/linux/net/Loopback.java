package dev.wharf.linux.net;

import java.io.IOException;

/** The one device that every network namespace begins with. */
public final class Loopback {
    private static final int INDEX = 1;
    private static final int IFF_UP = 1;

    private Loopback() {}

    /** Sets {@code lo} up in the calling thread's network namespace. */
    public static void up() throws IOException {
        try (Netlink netlink = new Netlink()) {
            netlink.run(Request.change("set lo up", Request.RTM_NEWLINK, 0).link(0, INDEX, IFF_UP, IFF_UP));
        }
    }
}
