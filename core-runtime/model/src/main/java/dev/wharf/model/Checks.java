package dev.wharf.model;

import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** Guards that the values of this package share. */
final class Checks {
    private Checks() {}

    static String matching(Pattern pattern, String value, String what) {
        if (!pattern.matcher(value).matches()) {
            throw new IllegalArgumentException("invalid " + what + " \"" + value + "\": must match " + pattern);
        }
        return value;
    }

    /** As {@link #matching} of {@code [0-9a-f]{digits}}, for what is made so often that a pattern would be felt. */
    static String hex(String value, int digits, String what) {
        boolean fits = value.length() == digits;
        for (int i = 0; fits && i < digits; i++) {
            char c = value.charAt(i);
            fits = c >= '0' && c <= '9' || c >= 'a' && c <= 'f';
        }
        if (!fits) {
            throw new IllegalArgumentException(
                    "invalid " + what + " \"" + value + "\": must match [0-9a-f]{" + digits + "}");
        }
        return value;
    }

    static String oneLine(String value, String what) {
        for (int i = 0; i < value.length(); i++) {
            if (value.charAt(i) < ' ' && value.charAt(i) != '\t') {
                throw new IllegalArgumentException("invalid " + what + ": control characters are not allowed");
            }
        }
        return value;
    }

    /** An immutable copy that keeps the order of {@code map}; {@code null} counts as empty, for old journals. */
    static <K, V> Map<K, V> copy(Map<K, V> map) {
        return map == null ? Map.of() : java.util.Collections.unmodifiableMap(new java.util.LinkedHashMap<>(map));
    }

    /** An immutable copy; {@code null} counts as empty, for old journals. */
    static <T> List<T> copy(List<T> list) {
        return list == null ? List.of() : List.copyOf(list);
    }
}
