package dev.wharf.network.macvlan;

import dev.wharf.model.NetworkSpec;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What the options of a network say, in Docker's words.
 *
 * @param parent the device to stand on; empty for one without a wire, made for this network alone
 * @param flag of an ipvlan
 * @param mtu in bytes, 0 for the parent's
 */
record Wire(String parent, String mode, String flag, int mtu) {
    static final String PARENT = "parent";
    private static final String MTU = "com.docker.network.driver.mtu";
    private static final Map<String, List<String>> MODES =
            Map.of("macvlan", List.of("bridge", "private", "vepa", "passthru"), "ipvlan", List.of("l2", "l3", "l3s"));
    private static final Set<String> FLAGS = Set.of("bridge", "private", "vepa");
    private static final int LAST_VLAN = 4094;

    /** Reads the options, or says what is wrong with them. */
    static Wire of(String kind, NetworkSpec network) throws DriverException {
        Map<String, String> options = network.options();
        List<String> modes = MODES.getOrDefault(kind, List.of());
        String mode = options.getOrDefault(kind + "_mode", modes.get(0));
        if (!modes.contains(mode)) {
            throw invalid("requested " + kind + " mode '" + mode + "' is not valid: it is one of "
                    + String.join(", ", modes));
        }
        String flag = options.getOrDefault("ipvlan_flag", "");
        if (kind.equals("ipvlan") && !flag.isEmpty() && !FLAGS.contains(flag)) {
            throw invalid("requested ipvlan flag '" + flag + "' is not valid: it is one of bridge, private, vepa");
        }
        Wire wire = new Wire(options.getOrDefault(PARENT, ""), mode, flag, mtu(options));
        if (wire.parent.equals("lo")) {
            throw invalid("loopback interface is not a valid " + kind + " parent link");
        }
        if (wire.parent.isEmpty() && mode.equals("passthru")) {
            throw invalid("mode passthru takes the whole of a device; name it with -o parent=");
        }
        return wire;
    }

    private static int mtu(Map<String, String> options) throws DriverException {
        String text = options.getOrDefault(MTU, "0");
        if (!text.matches("[0-9]{1,5}")) {
            throw invalid("option " + MTU + " is a number of bytes, not \"" + text + "\"");
        }
        return Integer.parseInt(text);
    }

    private static DriverException invalid(String message) {
        return DriverException.failure(Failure.Kind.INVALID, message);
    }

    /** Whether the parent's name is that of a part of another device's wire, such as {@code eth0.10}. */
    boolean isVlan() {
        int dot = parent.lastIndexOf('.');
        return dot > 0 && parent.substring(dot + 1).matches("[0-9]{1,4}") && vlan() > 0 && vlan() <= LAST_VLAN;
    }

    int vlan() {
        return Integer.parseInt(parent.substring(parent.lastIndexOf('.') + 1));
    }

    String lower() {
        return parent.substring(0, parent.lastIndexOf('.'));
    }
}
