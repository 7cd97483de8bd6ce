package dev.wharf.registry.distribution;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * How a registry wants to be told who we are (RFC 7235, WWW-Authenticate).
 *
 * @param scheme in lower case, such as {@code bearer}
 * @param parameters by their names in lower case
 */
record Challenge(String scheme, Map<String, String> parameters) {
    private static final int MAX_LENGTH = 16 << 10;

    Challenge {
        parameters = Map.copyOf(parameters);
    }

    String parameter(String name) {
        return parameters.getOrDefault(name, "");
    }

    /** The challenge to answer: the registry's own tokens before a password in every request. */
    static Optional<Challenge> choose(List<String> headers) {
        List<Challenge> all = new ArrayList<>();
        headers.forEach(header -> all.addAll(parse(header)));
        for (String scheme : List.of("bearer", "basic")) {
            for (Challenge challenge : all) {
                if (challenge.scheme.equals(scheme)) {
                    return Optional.of(challenge);
                }
            }
        }
        return Optional.empty();
    }

    /** Reads one header, which may hold several challenges; what cannot be read ends the list. */
    static List<Challenge> parse(String header) {
        if (header.length() > MAX_LENGTH) {
            return List.of();
        }
        List<Challenge> challenges = new ArrayList<>();
        Scanner in = new Scanner(header);
        String scheme = in.token();
        while (!scheme.isEmpty()) {
            Map<String, String> parameters = new HashMap<>();
            String next = in.token();
            while (!next.isEmpty() && in.skip('=')) {
                parameters.put(next.toLowerCase(Locale.ROOT), in.value());
                in.skip(',');
                next = in.token();
            }
            challenges.add(new Challenge(scheme.toLowerCase(Locale.ROOT), parameters));
            if (next.isEmpty() && in.skip(',')) {
                next = in.token();
            }
            scheme = next;
        }
        return challenges;
    }

    /** Walks over the header; spaces count for nothing. */
    private static final class Scanner {
        private final String text;
        private int at;

        Scanner(String text) {
            this.text = text;
        }

        String token() {
            spaces();
            int from = at;
            while (at < text.length() && isToken(text.charAt(at))) {
                at++;
            }
            return text.substring(from, at);
        }

        boolean skip(char c) {
            spaces();
            if (at < text.length() && text.charAt(at) == c) {
                at++;
                return true;
            }
            return false;
        }

        String value() {
            if (!skip('"')) {
                return token();
            }
            StringBuilder value = new StringBuilder();
            while (at < text.length() && text.charAt(at) != '"') {
                if (text.charAt(at) == '\\' && at + 1 < text.length()) {
                    at++;
                }
                value.append(text.charAt(at++));
            }
            at = Math.min(at + 1, text.length());
            return value.toString();
        }

        private void spaces() {
            while (at < text.length() && (text.charAt(at) == ' ' || text.charAt(at) == '\t')) {
                at++;
            }
        }

        private static boolean isToken(char c) {
            return c > ' ' && c < 127 && "=,\"".indexOf(c) < 0;
        }
    }
}
