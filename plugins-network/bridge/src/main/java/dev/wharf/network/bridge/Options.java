package dev.wharf.network.bridge;

import dev.wharf.model.GoBool;
import dev.wharf.model.NetworkSpec;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/** The options of a network that this driver heeds, by the names under which clients know them. */
final class Options {
    private static final String MTU = "com.docker.network.driver.mtu";
    private static final String MASQUERADE = "com.docker.network.bridge.enable_ip_masquerade";
    private static final String TALK_WITHIN = "com.docker.network.bridge.enable_icc";
    private static final String UNADDRESSED = "com.docker.network.bridge.inhibit_ipv4";
    private static final String SOURCE4 = "com.docker.network.host_ipv4";
    private static final String SOURCE6 = "com.docker.network.host_ipv6";
    private static final String HOST_BINDING = "com.docker.network.bridge.host_binding_ipv4";
    private static final String UNPROTECTED = "nat-unprotected";
    private static final String ISOLATED = "isolated";

    private static final Set<String> MODES = Set.of("", "nat", UNPROTECTED, "routed", ISOLATED);
    private static final Pattern IPV4 = Pattern.compile("(?:(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)(?:\\.(?!$)|$)){4}");

    private static final Pattern IPV6 = Pattern.compile("[0-9a-fA-F.]*:[0-9a-fA-F:.]*");

    private Options() {}

    /** Refuses what could only be passed over later: values that are none, and modes that packets are not handled by. */
    static void check(NetworkSpec network) throws DriverException {
        Map<String, String> options = network.options();
        String mtu = options.getOrDefault(MTU, "");
        if (!mtu.matches("[0-9]{0,5}")) {
            throw invalid(MTU, mtu, "not a number of bytes");
        }
        for (String flag : List.of(MASQUERADE, TALK_WITHIN, UNADDRESSED)) {
            String value = options.getOrDefault(flag, "");
            if (!value.isEmpty() && GoBool.parse(value).isEmpty()) {
                throw invalid(flag, value, "neither true nor false");
            }
        }
        for (String option : List.of(HOST_BINDING, SOURCE4)) {
            String address = options.getOrDefault(option, "");
            if (!address.isEmpty() && !IPV4.matcher(address).matches()) {
                throw invalid(option, address, "not an IPv4 address");
            }
        }
        String source6 = options.getOrDefault(SOURCE6, "");
        if (!source6.isEmpty() && !isIpv6(source6)) {
            throw invalid(SOURCE6, source6, "not an IPv6 address");
        }
        for (String option : List.of(NetworkSpec.GATEWAY_MODE4, NetworkSpec.GATEWAY_MODE6)) {
            String mode = options.getOrDefault(option, "");
            if (!MODES.contains(mode)) {
                throw invalid(option, mode, "unknown gateway mode");
            }
            if (mode.equals(ISOLATED) && !network.internal()) {
                throw DriverException.failure(
                        Failure.Kind.INVALID,
                        "gateway mode '" + ISOLATED + "' can only be used for an internal network");
            }
        }
    }

    /** The JDK looks nothing up that has a colon in it. */
    private static boolean isIpv6(String text) {
        if (!IPV6.matcher(text).matches()) {
            return false;
        }
        try {
            return InetAddress.getByName(text) instanceof Inet6Address;
        } catch (UnknownHostException e) {
            return false;
        }
    }

    private static DriverException invalid(String option, String value, String why) {
        return DriverException.failure(
                Failure.Kind.INVALID, "failed to parse " + option + " value: " + value + " (" + why + ")");
    }

    /** In bytes; 0 for the kernel's own choice. */
    static int mtu(NetworkSpec network) {
        try {
            return Integer.parseInt(network.options().getOrDefault(MTU, "0"));
        } catch (NumberFormatException e) {
            return 0;
        }
    }

    static boolean masquerades(NetworkSpec network) {
        return GoBool.parse(network.options().getOrDefault(MASQUERADE, "")).orElse(true);
    }

    /** The address of the host under which containers are seen outside; empty for that of the device that leads there. */
    static String source(NetworkSpec network, boolean ipv6) {
        return network.options().getOrDefault(ipv6 ? SOURCE6 : SOURCE4, "");
    }

    /** Whether ports of containers are reached by the containers' own addresses, be they published or not. */
    static boolean open(NetworkSpec network, boolean ipv6) {
        return network.gatewayMode(ipv6).equals(UNPROTECTED);
    }

    /** Whether the host has an address of that family on the network. */
    static boolean addressed(NetworkSpec network, boolean ipv6) {
        return !network.isolated(ipv6) && !network.unaddressed(ipv6);
    }

    /** Whether containers on the network may talk to one another. */
    static boolean talksWithin(NetworkSpec network) {
        return GoBool.parse(network.options().getOrDefault(TALK_WITHIN, "")).orElse(true);
    }
}
