package dev.wharf.registry.http;

import java.net.URI;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Where the repositories of one host are, and who we are there.
 *
 * @param base without a slash at its end
 * @param keys a file; empty where nobody asks
 */
record Store(URI base, Optional<Path> keys, String region) {
    private static final String STORES = "stores.";
    private static final String KEYS = "keys.";
    private static final String REGIONS = "regions.";
    private static final String USUAL_REGION = "us-east-1";

    /** Reads a configuration; stores by the host they stand for. */
    static Map<String, Store> all(Map<String, Object> configuration) {
        Map<String, Store> stores = new HashMap<>();
        configuration.forEach((key, value) -> {
            if (key.startsWith(STORES) && !text(value).isEmpty()) {
                String host = key.substring(STORES.length());
                String keys = text(configuration.get(KEYS + host));
                String region = text(configuration.get(REGIONS + host));
                stores.put(
                        host,
                        new Store(
                                base(key, text(value)),
                                keys.isEmpty() ? Optional.empty() : Optional.of(file(KEYS + host, keys)),
                                region.isEmpty() ? USUAL_REGION : region(REGIONS + host, region)));
            }
        });
        for (String key : configuration.keySet()) {
            String host = key.substring(key.indexOf('.') + 1);
            if ((key.startsWith(KEYS) || key.startsWith(REGIONS)) && !stores.containsKey(host)) {
                throw new IllegalArgumentException(key + ": there is no " + STORES + host);
            }
        }
        return Map.copyOf(stores);
    }

    private static String text(@org.jspecify.annotations.Nullable Object value) {
        return value == null ? "" : value.toString().strip();
    }

    private static URI base(String key, String text) {
        String bare = text.endsWith("/") ? text.substring(0, text.length() - 1) : text;
        URI uri;
        try {
            uri = URI.create(bare);
        } catch (IllegalArgumentException e) {
            throw wrong(key);
        }
        if (uri.getHost() == null
                || !Set.of("http", "https").contains(String.valueOf(uri.getScheme()))
                || uri.getUserInfo() != null
                || uri.getRawQuery() != null
                || uri.getRawFragment() != null) {
            throw wrong(key);
        }
        return uri;
    }

    /** The address is not repeated: it may hold a password, which is what is wrong with it. */
    private static IllegalArgumentException wrong(String key) {
        return new IllegalArgumentException(
                key + ": expected an address such as https://store.example/images, without a user's name or a query");
    }

    private static Path file(String key, String text) {
        Path file = Path.of(text);
        if (!file.isAbsolute()) {
            throw new IllegalArgumentException(key + " = " + text + ": expected an absolute path");
        }
        return file;
    }

    private static String region(String key, String text) {
        if (!text.matches("[a-z0-9-]+")) {
            throw new IllegalArgumentException(key + " = " + text + ": expected a region such as eu-central-1");
        }
        return text;
    }
}
