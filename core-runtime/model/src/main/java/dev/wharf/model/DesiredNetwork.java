package dev.wharf.model;

import java.util.Map;

/**
 * A network that services share.
 *
 * @param driver such as {@code overlay} or {@code bridge}
 * @param subnet CIDR, or empty for one of the driver's or the house's choice
 */
public record DesiredNetwork(
        String name, DriverName driver, String subnet, boolean internal, Map<String, String> options) {
    public DesiredNetwork {
        Checks.oneLine(name, "network name");
        options = Checks.copy(options);
    }
}
