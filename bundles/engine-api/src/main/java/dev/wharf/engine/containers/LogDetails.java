package dev.wharf.engine.containers;

import dev.wharf.model.ContainerSpec;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Collectors;

/**
 * What {@code docker logs --details} shows before each line: the labels and variables that the log's options name. They are the
 * same for every line of a container.
 */
final class LogDetails {
    private LogDetails() {}

    /** Sorted, each part as in a query, and a space behind them; the space stands there without any, too. */
    static byte[] of(ContainerSpec spec) {
        Map<String, String> told = new TreeMap<>();
        Map<String, String> options = spec.logging().options();
        pick(spec.labels(), options.get("labels"), options.get("labels-regex"), told);
        Map<String, String> variables = new TreeMap<>();
        for (String one : spec.command().env()) {
            int equals = one.indexOf('=');
            if (equals > 0) {
                variables.put(one.substring(0, equals), one.substring(equals + 1));
            }
        }
        pick(variables, options.get("env"), options.get("env-regex"), told);
        String tag = options.getOrDefault("tag", "");
        if (!tag.isEmpty() && tag.indexOf('{') < 0) {
            told.put("tag", tag);
        }
        String text = told.entrySet().stream()
                .map(e -> escaped(e.getKey()) + "=" + escaped(e.getValue()))
                .collect(Collectors.joining(","));
        return (text + " ").getBytes(StandardCharsets.UTF_8);
    }

    private static void pick(
            Map<String, String> from,
            @org.jspecify.annotations.Nullable String names,
            @org.jspecify.annotations.Nullable String pattern,
            Map<String, String> into) {
        if (names != null) {
            for (String name : names.split(",")) {
                if (from.containsKey(name)) {
                    into.put(name, from.getOrDefault(name, ""));
                }
            }
        }
        if (pattern != null && !pattern.isEmpty()) {
            try {
                Pattern compiled = Pattern.compile(pattern);
                from.forEach((name, value) -> {
                    if (compiled.matcher(name).find()) {
                        into.put(name, value);
                    }
                });
            } catch (PatternSyntaxException e) {
                // Go's syntax is not Java's in everything; what cannot be read picks nothing.
            }
        }
    }

    private static String escaped(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
}
