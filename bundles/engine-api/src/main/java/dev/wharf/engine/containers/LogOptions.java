package dev.wharf.engine.containers;

import dev.wharf.engine.http.Problem;
import dev.wharf.model.ContainerSpec;
import dev.wharf.model.LogAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The log drivers there are and their options, refused in Docker's words. */
public final class LogOptions {
    /** Those that keep or send something, in the order in which Docker's clients show them. */
    public static final List<String> DRIVERS = List.of("fluentd", "gelf", "journald", "json-file", "local", "syslog");

    private static final String DEFAULT = "json-file";
    private static final Set<String> GENERAL =
            Set.of("mode", "max-buffer-size", "cache-disabled", "cache-max-size", "cache-max-file", "cache-compress");
    private static final Set<String> TELLING = Set.of("labels", "labels-regex", "env", "env-regex", "tag");
    private static final Set<String> OTHERS =
            Stream.concat(GENERAL.stream(), TELLING.stream()).collect(Collectors.toUnmodifiableSet());
    private static final Set<String> FILES = Set.of("max-size", "max-file", "compress");
    private static final Set<String> SYSLOG = Set.of(
            "syslog-address",
            "syslog-facility",
            "syslog-format",
            "syslog-tls-ca-cert",
            "syslog-tls-cert",
            "syslog-tls-key",
            "syslog-tls-skip-verify");
    private static final Set<String> FORMATS = Set.of("", "rfc3164", "rfc5424", "rfc5424micro");
    private static final String SIZE = "\\d+(\\.\\d+)?\\s*[kKmMgGtT]?[iI]?[bB]?";

    private LogOptions() {}

    static ContainerSpec.Logging checked(String type, Map<String, String> options) {
        String driver = type.isEmpty() || type.equals("default") ? DEFAULT : type;
        if (driver.equals("none")) {
            return new ContainerSpec.Logging(driver, options);
        }
        if (!DRIVERS.contains(driver)) {
            throw Problem.invalid(
                    "error looking up logging plugin " + driver + ": plugin \"" + driver + "\" not found");
        }
        general(options);
        if (driver.equals("gelf")) {
            GelfOptions.check(options, OTHERS);
            return new ContainerSpec.Logging(driver, options);
        }
        names(driver, options);
        switch (driver) {
            case "fluentd" -> FluentdOptions.check(options);
            case "syslog" -> syslog(options);
            default -> files(driver, options);
        }
        return new ContainerSpec.Logging(driver, options);
    }

    private static void general(Map<String, String> options) {
        String mode = options.getOrDefault("mode", "");
        if (!Set.of("", "blocking", "non-blocking").contains(mode)) {
            throw Problem.invalid("logger: logging mode not supported: " + mode);
        }
        if (options.containsKey("max-buffer-size")) {
            if (!mode.equals("non-blocking")) {
                throw Problem.invalid("logger: max-buffer-size option is only supported with 'mode=non-blocking'");
            }
            if (!options.get("max-buffer-size").matches(SIZE)) {
                throw Problem.invalid("logger: error parsing option max-buffer-size: invalid size: '"
                        + options.get("max-buffer-size") + "'");
            }
        }
    }

    private static void names(String driver, Map<String, String> options) {
        for (String name : new TreeSet<>(options.keySet())) {
            boolean known = OTHERS.contains(name)
                    || driver.equals("fluentd") && FluentdOptions.NAMES.contains(name)
                    || Set.of("json-file", "local").contains(driver) && FILES.contains(name)
                    || driver.equals("syslog") && SYSLOG.contains(name);
            if (!known) {
                throw Problem.invalid(
                        switch (driver) {
                            case "local" -> "unknown log opt '" + name + "' for log driver local";
                            case "json-file" -> "unknown log opt '" + name + "' for json-file log driver";
                            default -> "unknown log opt '" + name + "' for " + driver + " log driver";
                        });
            }
        }
    }

    private static void files(String driver, Map<String, String> options) {
        String size = options.getOrDefault("max-size", "");
        if (!size.isEmpty() && !size.equals("-1") && !size.matches(SIZE)) {
            throw Problem.invalid("invalid value for max-size: invalid size: '" + size + "'");
        }
        if (!size.isEmpty() && size.matches("[0.]+[a-zA-Z]*")) {
            throw Problem.invalid("max-size must be a positive number");
        }
        String count = options.getOrDefault("max-file", "");
        if (!count.isEmpty() && !count.matches("-?\\d{1,6}")) {
            throw Problem.invalid(
                    "invalid value for max-file: strconv.Atoi: parsing \"" + count + "\": invalid syntax");
        }
        int parts = count.isEmpty() ? 0 : Integer.parseInt(count);
        if (!count.isEmpty() && parts < 1) {
            throw Problem.invalid("max-file cannot be less than 1");
        }
        String compress = options.getOrDefault("compress", "");
        if (!Set.of("", "true", "false").contains(compress)) {
            throw Problem.invalid("invalid value for compress: " + compress);
        }
        if (compress.equals("true") && driver.equals("json-file") && (parts < 2 || size.isEmpty())) {
            throw Problem.invalid("compress cannot be true when max-file is less than 2 or max-size is not set");
        }
    }

    private static void syslog(Map<String, String> options) {
        String address = options.getOrDefault("syslog-address", "");
        if (!address.isEmpty()) {
            syslog(address);
        }
        if (!FORMATS.contains(options.getOrDefault("syslog-format", ""))) {
            throw Problem.invalid("Invalid syslog format");
        }
        String facility = options.getOrDefault("syslog-facility", "");
        if (!facility.matches("|[0-9]|1[0-9]|2[0-3]|kern|user|mail|daemon|auth|syslog|lpr|news|uucp|cron|authpriv|ftp"
                + "|local[0-7]")) {
            throw Problem.invalid("invalid syslog facility");
        }
    }

    private static void syslog(String text) {
        LogAddress address;
        try {
            address = LogAddress.parse(text);
        } catch (IllegalArgumentException e) {
            throw Problem.invalid(String.valueOf(e.getMessage()));
        }
        switch (address.scheme()) {
            case "udp", "tcp", "tcp+tls" -> {}
            case "unix", "unixgram" -> {
                if (!Files.exists(Path.of(address.path()))) {
                    throw Problem.invalid("stat " + address.path() + ": no such file or directory");
                }
            }
            default -> throw Problem.invalid("unsupported scheme: '" + address.scheme() + "'");
        }
    }
}
