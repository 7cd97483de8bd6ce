package dev.wharf.itests.daemon;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * What an agent leaves in the kernel on purpose when it stops, so that containers run on: its bridge and its firewall table.
 * A test that is done takes them away.
 */
public final class Traces {
    private Traces() {}

    public static void remove(Path execRoot, String bridge) throws IOException, InterruptedException {
        Outcome.of("ip", "link", "delete", bridge);
        Outcome.of("nft", "delete", "table", "inet", table(execRoot));
    }

    /** As the bridge driver calls it: each agent has a table of its own, named after its exec root. */
    private static String table(Path execRoot) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256")
                    .digest(execRoot.toAbsolutePath().normalize().toString().getBytes(StandardCharsets.UTF_8));
            return "wharf-" + HexFormat.of().formatHex(hash, 0, 4);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
