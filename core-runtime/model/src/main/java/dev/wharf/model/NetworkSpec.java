package dev.wharf.model;

import java.util.List;
import java.util.Map;

/**
 * What a network is.
 *
 * @param driver its network mode, such as {@code bridge}
 * @param deviceName the kernel's name for its device, at most 15 bytes, chosen before the driver is asked; empty where
 *     the mode has none
 * @param pools address pools, at most one of IPv4 and one of IPv6 in this order
 * @param internal whether it leads nowhere outside
 * @param predefined whether it came with the house and may not be removed
 * @param configOnly whether it only keeps settings for others: it has no device, and no container can be on it
 * @param configFrom the name of the one whose settings it was made with, or empty
 * @param ipv6Only whether it has no IPv4
 */
public record NetworkSpec(
        NetworkId id,
        String name,
        DriverName driver,
        String deviceName,
        List<Pool> pools,
        boolean internal,
        boolean attachable,
        boolean ipv6,
        boolean predefined,
        Map<String, String> options,
        Map<String, String> ipamOptions,
        Map<String, String> labels,
        boolean configOnly,
        String configFrom,
        boolean ipv6Only) {
    /** The option that says how the names of devices inside begin, {@code eth} where it is not given. */
    public static final String DEVICE_PREFIX = "com.docker.network.container_iface_prefix";

    /** The option of a bridge that says how packets go between its containers and others by IPv4. */
    public static final String GATEWAY_MODE4 = "com.docker.network.bridge.gateway_mode_ipv4";

    /** The same by IPv6. */
    public static final String GATEWAY_MODE6 = "com.docker.network.bridge.gateway_mode_ipv6";

    private static final String UNADDRESSED = "com.docker.network.bridge.inhibit_ipv4";

    public NetworkSpec {
        Checks.oneLine(name, "network name");
        pools = Checks.copy(pools);
        options = Checks.copy(options);
        ipamOptions = Checks.copy(ipamOptions);
        labels = Checks.copy(labels);
    }

    /** One that has IPv4, and nothing to do with the settings of others. */
    public NetworkSpec(
            NetworkId id,
            String name,
            DriverName driver,
            String deviceName,
            List<Pool> pools,
            boolean internal,
            boolean attachable,
            boolean ipv6,
            boolean predefined,
            Map<String, String> options,
            Map<String, String> ipamOptions,
            Map<String, String> labels) {
        this(
                id,
                name,
                driver,
                deviceName,
                pools,
                internal,
                attachable,
                ipv6,
                predefined,
                options,
                ipamOptions,
                labels,
                false,
                "",
                false);
    }

    /** How packets go between a bridge's containers and others by one family of addresses; empty where nothing is said of it. */
    public String gatewayMode(boolean bySix) {
        return driver.value().equals("bridge") ? options.getOrDefault(bySix ? GATEWAY_MODE6 : GATEWAY_MODE4, "") : "";
    }

    /** Whether addresses of that family are never translated: a published port is one of the container's own, and none of the host's. */
    public boolean routed(boolean bySix) {
        return gatewayMode(bySix).equals("routed");
    }

    /** Whether nobody on the network needs an address of that family to be kept for a way out. */
    public boolean isolated(boolean bySix) {
        return internal
                && switch (driver.value()) {
                    case "bridge" -> gatewayMode(bySix).equals("isolated") || unaddressed(bySix);
                    case "macvlan", "ipvlan" -> true;
                    default -> false;
                };
    }

    /** Whether a bridge is to have no address of that family of its own, be it kept for something else on the network or not. */
    public boolean unaddressed(boolean bySix) {
        return driver.value().equals("bridge") && !bySix && GoBool.isTrue(options.getOrDefault(UNADDRESSED, ""));
    }

    /** The same with what was chosen for it. */
    public NetworkSpec planned(String device, List<Pool> chosen, boolean inside, Map<String, String> settings) {
        return new NetworkSpec(
                id,
                name,
                driver,
                device,
                chosen,
                inside,
                attachable,
                ipv6,
                predefined,
                settings,
                ipamOptions,
                labels,
                configOnly,
                configFrom,
                ipv6Only);
    }

    /**
     * Addresses of one network.
     *
     * @param subnet CIDR, such as {@code 172.18.0.0/16}
     * @param gateway the host's own address in it, without prefix length
     * @param range the part of the subnet to give out, CIDR, or empty for all of it
     * @param reserved named addresses that are never given out
     * @param chosen whether the house chose the subnet, which may be another one next time; no address in it can be asked for
     * @param gatewayChosen whether the house chose the gateway in a subnet that somebody asked for
     */
    public record Pool(
            String subnet,
            String gateway,
            String range,
            Map<String, String> reserved,
            boolean chosen,
            boolean gatewayChosen) {
        public Pool {
            reserved = Checks.copy(reserved);
        }

        /** One that somebody asked for. */
        public Pool(String subnet, String gateway, String range, Map<String, String> reserved) {
            this(subnet, gateway, range, reserved, false, false);
        }

        public boolean isIpv6() {
            return subnet.indexOf(':') >= 0;
        }
    }
}
