package dev.wharf.model;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A container's place on a network, whole: a driver can make it or undo it with nothing else in hand.
 *
 * @param id 64 hexadecimal digits, new for every start, so that no new endpoint meets the remains of an old one
 * @param hostInterface the host's end, at most 15 bytes, made from the id; empty where the mode has none
 * @param containerInterface the name inside, such as {@code eth0}
 * @param ipv4 address with prefix length, such as {@code 172.17.0.2/16}; empty where there is none
 * @param gateway4 the default route inside, empty for none
 * @param ipv6 and {@code gateway6} the same for IPv6
 * @param mac the hardware address inside
 * @param ports host ports that lead here
 */
public record EndpointSpec(
        String id,
        NetworkId network,
        String hostInterface,
        String containerInterface,
        String ipv4,
        String gateway4,
        String ipv6,
        String gateway6,
        String mac,
        List<String> aliases,
        List<PublishedPort> ports,
        Map<String, String> options) {
    /** The option that says how far behind others its default route stands; absent for the first. */
    public static final String METRIC = "dev.wharf.metric";

    /**
     * The option that names settings of the device inside, such as {@code net.ipv4.conf.IFNAME.log_martians=1}; commas part
     * them, and {@code IFNAME} stands for the device.
     */
    public static final String SETTINGS = "com.docker.network.endpoint.sysctls";

    public EndpointSpec {
        aliases = Checks.copy(aliases);
        ports = Checks.copy(ports);
        options = Checks.copy(options);
    }

    /** Settings of the device inside, by their place under {@code /proc/sys/net}. */
    public Map<String, String> settings() {
        Map<String, String> settings = new LinkedHashMap<>();
        for (String setting : options.getOrDefault(SETTINGS, "").split(",")) {
            String[] parts = setting.split("[.=]", 6);
            if (parts.length == 6) {
                settings.put(String.join("/", parts[1], parts[2], containerInterface, parts[4]), parts[5]);
            }
        }
        return settings;
    }

    /** Of several default routes inside, the one with the lowest metric is taken. */
    public int metric() {
        return Integer.parseInt(options.getOrDefault(METRIC, "0"));
    }

    /** The same place with its default route at another distance. */
    public EndpointSpec withMetric(int metric) {
        Map<String, String> changed = new HashMap<>(options);
        changed.put(METRIC, Integer.toString(metric));
        return with(ports, changed);
    }

    /** The same place with other ports that lead to it. */
    public EndpointSpec withPorts(List<PublishedPort> other) {
        return with(other, options);
    }

    private EndpointSpec with(List<PublishedPort> otherPorts, Map<String, String> otherOptions) {
        return new EndpointSpec(
                id,
                network,
                hostInterface,
                containerInterface,
                ipv4,
                gateway4,
                ipv6,
                gateway6,
                mac,
                aliases,
                otherPorts,
                otherOptions);
    }
}
