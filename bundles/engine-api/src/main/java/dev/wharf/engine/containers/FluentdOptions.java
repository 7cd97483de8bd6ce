package dev.wharf.engine.containers;

import dev.wharf.engine.http.Problem;
import dev.wharf.model.ByteCount;
import dev.wharf.model.GoBool;
import dev.wharf.model.GoDuration;
import dev.wharf.model.LogAddress;
import java.time.Duration;
import java.util.Map;
import java.util.Set;

/** The options of the log driver fluentd, refused in Docker's words. */
final class FluentdOptions {
    static final Set<String> NAMES = Set.of(
            "fluentd-address",
            "fluentd-async",
            "fluentd-async-reconnect-interval",
            "fluentd-buffer-limit",
            "fluentd-max-retries",
            "fluentd-request-ack",
            "fluentd-retry-wait",
            "fluentd-sub-second-precision",
            "fluentd-write-timeout");

    private static final Duration SHORTEST_INTERVAL = Duration.ofMillis(100);
    private static final Duration LONGEST_INTERVAL = Duration.ofSeconds(10);

    private FluentdOptions() {}

    static void check(Map<String, String> options) {
        String address = options.getOrDefault("fluentd-address", "");
        try {
            address(address);
        } catch (IllegalArgumentException e) {
            throw Problem.invalid("invalid fluentd-address (" + address + "): " + e.getMessage());
        }
        String limit = options.getOrDefault("fluentd-buffer-limit", "");
        if (!limit.isEmpty() && ByteCount.parse(limit).isEmpty()) {
            throw Problem.invalid("invalid size: '" + limit + "'");
        }
        span(options, "fluentd-retry-wait", "");
        retries(options.getOrDefault("fluentd-max-retries", ""));
        truth(options, "fluentd-async");
        interval(options, "fluentd-async-reconnect-interval");
        truth(options, "fluentd-sub-second-precision");
        truth(options, "fluentd-request-ack");
        String timeout = "invalid value for fluentd-write-timeout: value must be a duration";
        if (span(options, "fluentd-write-timeout", timeout + ": ").isNegative()) {
            throw Problem.invalid(timeout + " that is non-negative");
        }
    }

    private static void address(String text) {
        if (text.isEmpty()) {
            return;
        }
        LogAddress address = LogAddress.parse(text.contains("://") ? text : "tcp://" + text);
        switch (address.scheme()) {
            case "unix" -> {
                if (address.path().replace("/", "").isEmpty()) {
                    throw new IllegalArgumentException("path is empty");
                }
            }
            case "tcp", "tls" -> {
                if (!address.path().isEmpty()) {
                    throw new IllegalArgumentException("should not contain a path element");
                }
                if (address.port().length() > 5
                        || !address.port().isEmpty() && Integer.parseInt(address.port()) > 65535) {
                    throw new IllegalArgumentException(
                            "invalid port: strconv.ParseUint: parsing \"" + address.port() + "\": value out of range");
                }
            }
            default -> throw new IllegalArgumentException("unsupported scheme: '" + address.scheme() + "'");
        }
    }

    private static void retries(String text) {
        if (text.isEmpty()) {
            return;
        }
        if (!text.matches("\\d+")) {
            throw Problem.invalid("strconv.ParseUint: parsing \"" + text + "\": invalid syntax");
        }
        if (text.length() > 10 || Long.parseLong(text) >= 1L << 32) {
            throw Problem.invalid("strconv.ParseUint: parsing \"" + text + "\": value out of range");
        }
        if (Long.parseLong(text) > Integer.MAX_VALUE) {
            throw Problem.invalid("invalid fluentd-max-retries: value out of range");
        }
    }

    private static void truth(Map<String, String> options, String name) {
        String text = options.getOrDefault(name, "");
        if (!text.isEmpty() && GoBool.parse(text).isEmpty()) {
            throw Problem.invalid("strconv.ParseBool: parsing \"" + text + "\": invalid syntax");
        }
    }

    private static void interval(Map<String, String> options, String name) {
        Duration span = span(options, name, "invalid value for " + name + ": ");
        if (!span.isZero() && (span.compareTo(SHORTEST_INTERVAL) < 0 || span.compareTo(LONGEST_INTERVAL) > 0)) {
            throw Problem.invalid("invalid value for " + name + ": value (\""
                    + (span.isNegative() ? "-" : "") + GoDuration.text(span.abs()) + "\") must be between "
                    + GoDuration.text(SHORTEST_INTERVAL) + " and " + GoDuration.text(LONGEST_INTERVAL));
        }
    }

    private static Duration span(Map<String, String> options, String name, String head) {
        String text = options.getOrDefault(name, "");
        if (text.isEmpty()) {
            return Duration.ZERO;
        }
        return GoDuration.parse(text)
                .orElseThrow(() -> Problem.invalid(head
                        + (text.matches("[-+]?[0-9]+(\\.[0-9]*)?")
                                ? "time: missing unit in duration \"" + text + "\""
                                : "time: invalid duration \"" + text + "\"")));
    }
}
