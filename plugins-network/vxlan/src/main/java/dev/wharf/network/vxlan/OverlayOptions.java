package dev.wharf.network.vxlan;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.wharf.model.NetworkSpec;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Map;

/**
 * Options of an overlay, in Docker's words where it has some. What is left open follows from the network's name, for hosts
 * cannot ask one another and the same name has to mean the same network on each.
 */
final class OverlayOptions {
    static final String PARTS = "dev.wharf.overlay.parts";
    static final String NUMBER = "com.docker.network.driver.overlay.vxlanid_list";
    static final String MTU = "com.docker.network.driver.mtu";
    static final String PORT = "dev.wharf.overlay.port";
    /** As in RFC 7348. */
    static final int USUAL_PORT = 4789;

    private static final String ENCRYPTED = "encrypted";
    /** Docker leaves the numbers below to others. */
    private static final int FIRST_NUMBER = 4096;

    private static final int NUMBERS = 1 << 24;

    private OverlayOptions() {}

    /** The network's identifier in its frames (VNI). */
    static int number(Map<String, String> options, String name) throws DriverException {
        String text = options.getOrDefault(NUMBER, "");
        if (text.isEmpty()) {
            return FIRST_NUMBER + Math.floorMod(hash(name, 0), NUMBERS - FIRST_NUMBER);
        }
        int number = text.matches("[0-9]{1,8}") ? Integer.parseInt(text) : 0;
        if (number < 1 || number >= NUMBERS) {
            throw DriverException.failure(
                    Failure.Kind.INVALID,
                    "option " + NUMBER + " is one number from 1 to 16777215, not \"" + text + "\"");
        }
        return number;
    }

    static int number(NetworkSpec network) throws DriverException {
        return number(network.options(), network.name());
    }

    static int parts(Map<String, String> options, Share subnet) throws DriverException {
        String text = options.getOrDefault(PARTS, "");
        if (text.isEmpty()) {
            return subnet.usualParts();
        }
        int parts = text.matches("[0-9]{1,5}") ? Integer.parseInt(text) : 0;
        if (Integer.bitCount(parts) != 1) {
            throw DriverException.failure(
                    Failure.Kind.INVALID, "option " + PARTS + " is a power of two such as 16, not \"" + text + "\"");
        }
        return parts;
    }

    static int mtu(Map<String, String> options) throws DriverException {
        String text = options.getOrDefault(MTU, "0");
        if (!text.matches("[0-9]{1,5}")) {
            throw DriverException.failure(
                    Failure.Kind.INVALID, "option " + MTU + " is a number of bytes, not \"" + text + "\"");
        }
        return Integer.parseInt(text);
    }

    /** The UDP port of the network's tunnels. */
    static int port(Map<String, String> options, int otherwise) throws DriverException {
        String text = options.getOrDefault(PORT, "");
        if (text.isEmpty()) {
            return otherwise;
        }
        int port = text.matches("[0-9]{1,5}") ? Integer.parseInt(text) : 0;
        if (port < 1 || port > 65_535) {
            throw DriverException.failure(
                    Failure.Kind.INVALID, "option " + PORT + " is a UDP port such as 4789, not \"" + text + "\"");
        }
        return port;
    }

    static boolean isEncrypted(Map<String, String> options) {
        return options.containsKey(ENCRYPTED) && !options.get(ENCRYPTED).equalsIgnoreCase("false");
    }

    /** A subnet that follows from the name, in the upper half of 10.0.0.0/8. */
    static String subnet4(String name) {
        return "10." + (128 + Math.floorMod(hash(name, 4), 128)) + ".0.0/16";
    }

    /** A subnet of unique local addresses (RFC 4193) that follows from the name. */
    static String subnet6(String name) {
        int high = hash(name, 8);
        int low = hash(name, 12);
        return "fd%02x:%x:%x:%x::/64".formatted(high >>> 24, high >>> 8 & 0xffff, low >>> 16, low & 0xffff);
    }

    private static int hash(String name, int at) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(name.getBytes(UTF_8));
            return (hash[at] & 0xff) << 24
                    | (hash[at + 1] & 0xff) << 16
                    | (hash[at + 2] & 0xff) << 8
                    | hash[at + 3] & 0xff;
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
