package dev.wharf.engine.http;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The query of a request, decoded. Unknown keys do no harm. */
public final class Query {
    private static final Query EMPTY = new Query(Map.of());

    private final Map<String, List<String>> values;

    private Query(Map<String, List<String>> values) {
        this.values = values;
    }

    /** Reads what stands behind the question mark. */
    static Query parse(String text) {
        if (text.isEmpty()) {
            return EMPTY;
        }
        Map<String, List<String>> values = new LinkedHashMap<>();
        int at = 0;
        while (at <= text.length()) {
            int end = text.indexOf('&', at);
            String pair = text.substring(at, end < 0 ? text.length() : end);
            if (!pair.isEmpty()) {
                int equals = pair.indexOf('=');
                String key = Percent.decode(equals < 0 ? pair : pair.substring(0, equals), true);
                String value = equals < 0 ? "" : Percent.decode(pair.substring(equals + 1), true);
                values.computeIfAbsent(key, k -> new ArrayList<>(1)).add(value);
            }
            if (end < 0) {
                break;
            }
            at = end + 1;
        }
        return new Query(values);
    }

    /** All of this one, and then all of another. */
    Query and(Query other) {
        Map<String, List<String>> both = new LinkedHashMap<>();
        List.of(this, other)
                .forEach(query -> query.values.forEach((key, all) ->
                        both.computeIfAbsent(key, k -> new ArrayList<>()).addAll(all)));
        return new Query(both);
    }

    /** The keys that were given. */
    public Set<String> names() {
        return values.keySet();
    }

    public boolean has(String key) {
        return values.containsKey(key);
    }

    /** The first value of a key, empty where it is absent or empty. */
    public Optional<String> value(String key) {
        List<String> all = values.get(key);
        return all == null || all.get(0).isEmpty() ? Optional.empty() : Optional.of(all.get(0));
    }

    public String text(String key) {
        return value(key).orElse("");
    }

    public List<String> all(String key) {
        return values.getOrDefault(key, List.of());
    }

    /** A flag as Docker reads it: empty, 0, no, false and none are false, and everything else is true. */
    public boolean flag(String key, boolean absent) {
        List<String> all = values.get(key);
        if (all == null) {
            return absent;
        }
        return switch (all.get(0).strip().toLowerCase(Locale.ROOT)) {
            case "", "0", "no", "false", "none" -> false;
            default -> true;
        };
    }

    /** A whole number, empty where the key is absent or empty. */
    public Optional<Long> number(String key) {
        return value(key).map(text -> {
            try {
                return Long.valueOf(text);
            } catch (NumberFormatException e) {
                throw Problem.invalid(
                        "invalid value \"" + text + "\" of query parameter \"" + key + "\": not a number");
            }
        });
    }

    /** Percent encoding (RFC 3986, 2.1). */
    static final class Percent {
        private Percent() {}

        static String decode(String text, boolean plusIsSpace) {
            if (text.indexOf('%') < 0 && (!plusIsSpace || text.indexOf('+') < 0)) {
                return text;
            }
            byte[] out = new byte[text.length() * 3];
            int length = 0;
            for (int i = 0; i < text.length(); i++) {
                char c = text.charAt(i);
                if (c == '%') {
                    int high = i + 2 < text.length() ? Character.digit(text.charAt(i + 1), 16) : -1;
                    int low = high < 0 ? -1 : Character.digit(text.charAt(i + 2), 16);
                    if (low < 0) {
                        throw Problem.invalid("invalid URL escape in \"" + text + "\"");
                    }
                    out[length++] = (byte) (high << 4 | low);
                    i += 2;
                } else if (c == '+' && plusIsSpace) {
                    out[length++] = ' ';
                } else if (c < 0x80) {
                    out[length++] = (byte) c;
                } else {
                    for (byte b : String.valueOf(c).getBytes(StandardCharsets.UTF_8)) {
                        out[length++] = b;
                    }
                }
            }
            return new String(out, 0, length, StandardCharsets.UTF_8);
        }
    }
}
