package dev.wharf.registry.distribution;

import dev.wharf.spi.registry.RegistryBackend;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What an operator says about registries; one value, replaced as a whole.
 *
 * @param insecure registries, {@code host}, {@code host:port} or a range of addresses such as {@code 10.0.0.0/8}, whose
 *     certificate is not checked and that may be spoken to in plain HTTP; this machine itself always is one
 * @param mirrors base addresses to ask before the registry itself, in order, by the registry's host
 * @param realms hosts that may be shown a registry's credentials though they are of another site, by the registry's host
 * @param certificates a directory with one directory for each {@code host[:port]}: {@code *.crt} are authorities to trust,
 *     {@code *.cert} and {@code *.key} are who we are
 * @param connectTimeout how long a connection may take to come
 * @param idleTimeout how long a registry may be silent
 */
record Settings(
        Set<String> insecure,
        Map<String, List<URI>> mirrors,
        Map<String, Set<String>> realms,
        Path certificates,
        Duration connectTimeout,
        Duration idleTimeout) {
    private static final Pattern HOST =
            Pattern.compile("([a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?|\\[[0-9a-f:]+\\])(:([0-9]{1,5}))?");
    private static final Pattern RANGE = Pattern.compile("([0-9.]+|\\[?[0-9a-fA-F:]+\\]?)/([0-9]{1,3})");
    private static final Pattern ADDRESS = Pattern.compile("[0-9]{1,3}(\\.[0-9]{1,3}){3}|[0-9a-fA-F]*:[0-9a-fA-F:]*");

    Settings {
        insecure = Set.copyOf(insecure);
        mirrors = Map.copyOf(mirrors);
        realms = Map.copyOf(realms);
    }

    /** Nothing said. */
    static Settings defaults(Path certificates) {
        return new Settings(Set.of(), Map.of(), Map.of(), certificates, Duration.ofSeconds(15), Duration.ofSeconds(60));
    }

    /**
     * Reads a configuration. Keys: {@code insecure}; {@code mirrors.HOST}; {@code realms.HOST}; {@code certificates};
     * {@code timeout.connect} and {@code timeout.idle}, in seconds. Lists are arrays or texts with commas.
     */
    static Settings of(Map<String, Object> configuration, Path certificates) {
        Settings defaults = defaults(certificates);
        Map<String, List<URI>> mirrors = new HashMap<>();
        Map<String, Set<String>> realms = new HashMap<>();
        configuration.forEach((key, value) -> {
            if (key.startsWith("mirrors.")) {
                mirrors.put(
                        key.substring("mirrors.".length()),
                        words(value).stream().map(Settings::base).toList());
            } else if (key.startsWith("realms.")) {
                realms.put(key.substring("realms.".length()), new HashSet<>(words(value)));
            }
        });
        Object folder = configuration.get("certificates");
        return new Settings(
                words(configuration.get("insecure")).stream()
                        .map(Settings::trusted)
                        .collect(Collectors.toSet()),
                mirrors,
                realms,
                folder == null ? certificates : Path.of(folder.toString().strip()),
                seconds(configuration, "timeout.connect", defaults.connectTimeout),
                seconds(configuration, "timeout.idle", defaults.idleTimeout));
    }

    private static String trusted(String text) {
        String name = text.toLowerCase(Locale.ROOT);
        var host = HOST.matcher(name);
        boolean named = host.matches() && (host.group(4) == null || Integer.parseInt(host.group(4)) <= 65535);
        if (!named && !isRange(name)) {
            throw new IllegalArgumentException(
                    "invalid insecure registry \"" + text + "\": expected host, host:port or address/bits");
        }
        return name;
    }

    private static boolean isRange(String text) {
        var form = RANGE.matcher(text);
        return form.matches()
                && isAddress(form.group(1))
                && Integer.parseInt(form.group(2)) <= (form.group(1).contains(":") ? 128 : 32);
    }

    private static URI base(String text) {
        URI uri = URI.create(text.contains("://") ? text : "https://" + text);
        if (uri.getHost() == null || !Set.of("http", "https").contains(uri.getScheme()) || uri.getUserInfo() != null) {
            throw new IllegalArgumentException("invalid mirror \"" + text + "\": expected https://host[:port][/path]");
        }
        return text.endsWith("/")
                ? URI.create(uri.toString().substring(0, uri.toString().length() - 1))
                : uri;
    }

    private static Duration seconds(Map<String, Object> configuration, String key, Duration otherwise) {
        Object value = configuration.get(key);
        if (value == null || value.toString().isBlank()) {
            return otherwise;
        }
        long seconds = Long.parseLong(value.toString().strip());
        if (seconds < 1) {
            throw new IllegalArgumentException("invalid " + key + " \"" + value + "\": expected seconds, at least 1");
        }
        return Duration.ofSeconds(seconds);
    }

    private static List<String> words(@Nullable Object value) {
        List<String> words = new ArrayList<>();
        if (value instanceof Object[] array) {
            Arrays.stream(array).forEach(element -> words.addAll(words(element)));
        } else if (value instanceof Collection<?> collection) {
            collection.forEach(element -> words.addAll(words(element)));
        } else if (value != null) {
            Arrays.stream(value.toString().split("[,\\s]+"))
                    .filter(word -> !word.isEmpty())
                    .forEach(words::add);
        }
        return words;
    }

    /** The same for people who ask; this machine itself is listed as well. */
    RegistryBackend.Manners manners() {
        List<String> trusted = new ArrayList<>(insecure.stream().sorted().toList());
        trusted.add("::1/128");
        trusted.add("127.0.0.0/8");
        Map<String, List<String>> asked = new HashMap<>();
        mirrors.forEach((host, bases) ->
                asked.put(host, bases.stream().map(URI::toString).toList()));
        return new RegistryBackend.Manners(trusted, asked);
    }

    /** Whether {@code registry}, a host with or without a port, is one whose word is taken as it comes. */
    boolean isInsecure(String registry) {
        String name = hostOf(registry);
        if (isLoopback(registry) || insecure.contains(registry.toLowerCase(Locale.ROOT))) {
            return true;
        }
        return ADDRESS.matcher(name).matches() && insecure.stream().anyMatch(range -> holds(range, name));
    }

    /** Whether {@code registry} is this machine, where nobody listens in. */
    static boolean isLoopback(String registry) {
        String name = hostOf(registry);
        return name.equals("localhost") || name.equals("::1") || (name.startsWith("127.") && isAddress(name));
    }

    private static boolean isAddress(String name) {
        return ADDRESS.matcher(name).matches();
    }

    private static String hostOf(String registry) {
        String name = registry.toLowerCase(Locale.ROOT);
        if (name.startsWith("[")) {
            return name.substring(1, name.indexOf(']'));
        }
        int colon = name.lastIndexOf(':');
        return colon < 0 ? name : name.substring(0, colon);
    }

    private static boolean holds(String range, String address) {
        var form = RANGE.matcher(range);
        if (!form.matches()) {
            return false;
        }
        try {
            // Both are addresses by their form, so no name is looked up.
            byte[] network = InetAddress.getByName(form.group(1)).getAddress();
            byte[] host = InetAddress.getByName(address).getAddress();
            int bits = Integer.parseInt(form.group(2));
            if (network.length != host.length || bits > host.length * 8) {
                return false;
            }
            int shift = host.length * 8 - bits;
            return new BigInteger(1, network).shiftRight(shift).equals(new BigInteger(1, host).shiftRight(shift));
        } catch (UnknownHostException e) {
            return false;
        }
    }
}
