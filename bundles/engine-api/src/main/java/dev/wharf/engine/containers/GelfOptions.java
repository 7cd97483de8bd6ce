package dev.wharf.engine.containers;

import dev.wharf.engine.http.Problem;
import dev.wharf.model.LogAddress;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** The options of the log driver gelf, refused in Docker's words. */
final class GelfOptions {
    private static final Set<String> PACKINGS = Set.of("gzip", "zlib", "none");

    private GelfOptions() {}

    /** Refuses what is wrong, and names that are not among {@code others} either. */
    static void check(Map<String, String> options, Set<String> others) {
        LogAddress address = address(options.getOrDefault("gelf-address", ""));
        boolean udp = address.scheme().equals("udp");
        new TreeMap<>(options).forEach((name, value) -> {
            switch (name) {
                case "gelf-address" -> {}
                case "gelf-compression-level", "gelf-compression-type" -> {
                    if (!udp) {
                        throw Problem.invalid("compression is only supported on UDP");
                    }
                    if (name.endsWith("level") ? !value.matches("-1|\\+?[0-9]") : !PACKINGS.contains(value)) {
                        throw Problem.invalid(
                                "unknown value \"" + value + "\" for log opt \"" + name + "\" for gelf log driver");
                    }
                }
                case "gelf-tcp-max-reconnect", "gelf-tcp-reconnect-delay" -> {
                    if (udp) {
                        throw Problem.invalid("\"" + name + "\" is only valid for TCP");
                    }
                    if (!value.matches("\\+?[0-9]{1,18}")) {
                        throw Problem.invalid("\"" + name + "\" must be a positive integer");
                    }
                }
                default -> {
                    if (!others.contains(name)) {
                        throw Problem.invalid("unknown log opt \"" + name + "\" for gelf log driver");
                    }
                }
            }
        });
    }

    private static LogAddress address(String text) {
        if (text.isEmpty()) {
            throw Problem.invalid("gelf-address is a required parameter");
        }
        LogAddress address;
        try {
            address = LogAddress.parse(text);
        } catch (IllegalArgumentException e) {
            throw Problem.invalid(String.valueOf(e.getMessage()));
        }
        if (!address.scheme().equals("udp") && !address.scheme().equals("tcp")) {
            throw Problem.invalid("gelf: endpoint needs to be TCP or UDP");
        }
        if (address.port().isEmpty()) {
            throw Problem.invalid("gelf: please provide gelf-address as proto://host:port");
        }
        return address;
    }
}
