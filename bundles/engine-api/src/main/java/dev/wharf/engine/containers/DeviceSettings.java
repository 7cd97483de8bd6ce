package dev.wharf.engine.containers;

import dev.wharf.engine.http.ApiVersion;
import dev.wharf.engine.http.Body;
import dev.wharf.engine.http.Problem;
import dev.wharf.model.EndpointSpec;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * What {@code HostConfig.Sysctls} says of network devices of a sandbox of its own, as in {@code net.ipv4.conf.eth0.log_martians}.
 * It belongs to an endpoint: since API 1.48 it has to be said there, and before it is moved to that of the main network.
 *
 * @param settings by the name of the setting, each with the device
 */
record DeviceSettings(Map<String, Device> settings) {
    private static final Pattern NAME = Pattern.compile("net\\.([^.]*)\\.([^.]*)\\.(eth[^.]*)\\.(.*)");
    private static final String FIRST = "eth0";

    /**
     * @param name of the device
     * @param line as it is said of an endpoint
     */
    record Device(String name, String line) {}

    DeviceSettings {
        settings = Collections.unmodifiableMap(new TreeMap<>(settings));
    }

    static DeviceSettings of(Body hostConfig) {
        String mode = hostConfig.text("NetworkMode");
        Map<String, Device> settings = new TreeMap<>();
        if (!mode.equals("host") && !mode.startsWith("container:")) {
            hostConfig.map("Sysctls").forEach((key, value) -> {
                Matcher name = NAME.matcher(key);
                if (name.matches()) {
                    settings.put(
                            key,
                            new Device(
                                    name.group(3),
                                    "net.%s.%s.IFNAME.%s=%s"
                                            .formatted(name.group(1), name.group(2), name.group(4), value)));
                }
            });
        }
        return new DeviceSettings(settings);
    }

    /** Refuses what is to be said of an endpoint: all of it since API 1.48, and what is not of the first device. */
    void check(ApiVersion version) {
        settings.forEach((key, device) -> {
            if (version.atLeast(48)) {
                throw Problem.invalid("interface specific sysctl setting \"" + key
                        + "\" must be supplied using driver option '" + EndpointSpec.SETTINGS + "'");
            }
            if (!device.name().equals(FIRST)) {
                throw Problem.invalid("unable to determine network endpoint for sysctl " + key + ", use driver option '"
                        + EndpointSpec.SETTINGS + "' to set per-interface sysctls");
            }
        });
    }

    /** The options of the endpoint with these settings, before its own, which hold. */
    Map<String, String> before(Map<String, String> options) {
        if (settings.isEmpty()) {
            return options;
        }
        Map<String, String> all = new LinkedHashMap<>(options);
        all.merge(EndpointSpec.SETTINGS, lines(), (own, moved) -> moved + "," + own);
        return all;
    }

    private String lines() {
        return settings.values().stream().map(Device::line).collect(Collectors.joining(","));
    }

    /** What the client is told of it, where there is any. */
    Optional<String> moved() {
        return settings.isEmpty()
                ? Optional.empty()
                : Optional.of("Migrated sysctl \"%s\" to DriverOpts{\"%s\":\"%s\"}."
                        .formatted(String.join(",", settings.keySet()), EndpointSpec.SETTINGS, lines()));
    }
}
