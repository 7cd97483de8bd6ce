package dev.wharf.engine.json;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import dev.wharf.engine.http.Problem;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The {@code filters} of a query, in the shape of Go clients, {@code {"label":{"a=b":true}}}, or in that of everybody else,
 * {@code {"label":["a=b"]}}. Values of one key are alternatives, keys must all hold; labels must all hold too.
 */
public record Filters(Map<String, List<String>> values) {
    private static final Set<String> FLAGS =
            Set.of("dangling", "all", "is-task", "inuse", "shared", "private", "enabled");

    public Filters {
        values = Map.copyOf(values);
    }

    /** Reads filters; any key but these is an error of the client. */
    public static Filters parse(String text, Set<String> known) {
        Filters filters = parse(text);
        filters.values.keySet().stream()
                .filter(key -> !known.contains(key))
                .min(Comparator.naturalOrder())
                .ifPresent(key -> {
                    throw Problem.invalid("invalid filter '" + key + "'");
                });
        filters.values.keySet().stream().filter(FLAGS::contains).forEach(filters::flag);
        return filters;
    }

    /** Reads filters of a list that asks for the keys it knows and for no others, as Docker's events do. */
    public static Filters parse(String text) {
        if (text.isBlank()) {
            return new Filters(Map.of());
        }
        JsonNode tree;
        try {
            tree = Json.parse(text.getBytes(StandardCharsets.UTF_8));
        } catch (JsonProcessingException e) {
            throw Problem.invalid("invalid filters: "
                    + e.getOriginalMessage().lines().findFirst().orElse(""));
        } catch (IOException e) {
            throw Problem.invalid("invalid filters: " + e.getMessage());
        }
        if (tree.isNull()) {
            return new Filters(Map.of());
        }
        if (!tree.isObject()) {
            throw Problem.invalid("invalid filters: expected an object");
        }
        Map<String, List<String>> values = new LinkedHashMap<>();
        tree.fields().forEachRemaining(field -> values.put(field.getKey(), texts(field.getKey(), field.getValue())));
        return new Filters(values);
    }

    private static List<String> texts(String key, JsonNode value) {
        List<String> texts = new ArrayList<>();
        if (value.isObject()) {
            value.fieldNames().forEachRemaining(texts::add);
            return texts;
        }
        for (JsonNode one : value) {
            if (!one.isTextual()) {
                throw Problem.invalid("invalid filters: the values of '" + key + "' are not texts");
            }
            texts.add(one.textValue());
        }
        if (!value.isArray() && !value.isNull()) {
            throw Problem.invalid("invalid filters: the values of '" + key + "' are neither a list nor an object");
        }
        return texts;
    }

    public boolean has(String key) {
        return !all(key).isEmpty();
    }

    public List<String> all(String key) {
        return values.getOrDefault(key, List.of());
    }

    public Optional<String> first(String key) {
        return all(key).stream().findFirst();
    }

    /** The value of a key that may have but one. */
    public Optional<String> only(String key) {
        if (all(key).size() > 1) {
            throw Problem.invalid("more than one " + key + " filter specified");
        }
        return first(key);
    }

    /** A flag such as {@code dangling}; both true and false, or neither of them, is an error of the client. */
    public Optional<Boolean> flag(String key) {
        if (!values.containsKey(key)) {
            return Optional.empty();
        }
        List<String> all = all(key);
        boolean yes = all.contains("1") || all.contains("true");
        boolean no = all.contains("0") || all.contains("false");
        if (yes == no) {
            throw Problem.invalid("invalid filter '" + key + "=[" + String.join(" ", all) + "]'");
        }
        return Optional.of(yes);
    }

    /** Whether the key is not asked for, or one of its values holds. */
    public boolean any(String key, java.util.function.Predicate<String> holds) {
        return !has(key) || all(key).stream().anyMatch(holds);
    }

    /** Whether every label asked for is there, with its value where one is given; {@code label!} must not be. */
    public boolean labels(Map<String, String> labels) {
        return all("label").stream().allMatch(l -> isThere(l, labels))
                && all("label!").stream().noneMatch(l -> isThere(l, labels));
    }

    private static boolean isThere(String label, Map<String, String> labels) {
        int equals = label.indexOf('=');
        return equals < 0
                ? labels.containsKey(label)
                : label.substring(equals + 1).equals(labels.get(label.substring(0, equals)));
    }
}
