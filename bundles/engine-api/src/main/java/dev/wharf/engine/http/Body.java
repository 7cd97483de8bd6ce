package dev.wharf.engine.http;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.engine.json.Fault;
import dev.wharf.engine.json.Json;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.stream.Stream;

/**
 * A JSON object that a client sent, read as Go reads it: names match in any case, unknown ones are ignored, and null is the
 * same as absent. A value of another type than asked for is an error that names the field.
 */
public final class Body {
    public static final Body EMPTY = new Body(MissingNode.getInstance(), "");

    /** Stands in a path for all that is in a list or in an object. */
    public static final String EACH = "*";

    private final JsonNode node;
    private final String path;

    private Body(JsonNode node, String path) {
        this.node = node;
        this.path = path;
    }

    /** Reads a document, which must be an object. */
    public static Body parse(byte[] document) {
        JsonNode node;
        try {
            node = Json.parse(document);
        } catch (JsonProcessingException e) {
            throw malformed(document, e);
        } catch (IOException e) {
            throw Problem.invalid("invalid JSON: " + e.getMessage());
        }
        if (node == null || node.isMissingNode()) {
            throw Problem.invalid("invalid JSON: got EOF while reading request body");
        }
        if (node.isNull()) {
            return EMPTY;
        }
        if (!node.isObject()) {
            throw Problem.invalid("invalid JSON: the body is " + kind(node) + ", expected an object");
        }
        return new Body(node, "");
    }

    /** Go reads one value and then looks whether there is more; what it cannot read of it is told in its words. */
    private static Problem malformed(byte[] document, JsonProcessingException e) {
        if (e instanceof StreamConstraintsException) {
            return Problem.invalid("invalid JSON: "
                    + e.getOriginalMessage().lines().findFirst().orElse(""));
        }
        return Problem.invalid(
                Fault.of(document).map(fault -> "invalid JSON: " + fault).orElse("unexpected content after JSON"));
    }

    /** Whether a field is there and not null. */
    public boolean has(String field) {
        return !isAbsent(find(field));
    }

    /** Whether nothing is said beside these fields. */
    public boolean isEmptyBut(String... fields) {
        List<String> other = new ArrayList<>();
        node.fieldNames().forEachRemaining(other::add);
        return other.stream().allMatch(name -> Stream.of(fields).anyMatch(name::equalsIgnoreCase));
    }

    /** The same as if these fields were not said. The path to one is of names, of numbers in lists, and of {@link #EACH}. */
    public Body without(List<List<String>> fields) {
        if (fields.isEmpty()) {
            return this;
        }
        JsonNode copy = node.deepCopy();
        fields.forEach(field -> remove(copy, field));
        return new Body(copy, path);
    }

    private static void remove(JsonNode from, List<String> path) {
        String name = path.get(0);
        if (path.size() == 1 && from instanceof ObjectNode object) {
            List<String> said = new ArrayList<>();
            object.fieldNames().forEachRemaining(said::add);
            said.stream().filter(name::equalsIgnoreCase).forEach(object::remove);
            return;
        }
        List<String> rest = path.subList(1, path.size());
        for (int i = 0; from.isArray() && i < from.size(); i++) {
            if (name.equals(EACH) || name.equals(Integer.toString(i))) {
                remove(from.get(i), rest);
            }
        }
        from.properties().stream()
                .filter(field -> name.equals(EACH) || name.equalsIgnoreCase(field.getKey()))
                .forEach(field -> remove(field.getValue(), rest));
    }

    /** The field as it was sent. */
    public JsonNode raw(String field) {
        return find(field);
    }

    public String text(String field) {
        return text(find(field), field);
    }

    public Optional<String> optionalText(String field) {
        JsonNode value = find(field);
        return isAbsent(value) ? Optional.empty() : Optional.of(text(value, field));
    }

    public boolean flag(String field) {
        JsonNode value = find(field);
        if (isAbsent(value)) {
            return false;
        }
        if (!value.isBoolean()) {
            throw mismatch(value, field, "a boolean");
        }
        return value.booleanValue();
    }

    public long number(String field) {
        return optionalNumber(field).orElse(0L);
    }

    public Optional<Long> optionalNumber(String field) {
        JsonNode value = find(field);
        if (isAbsent(value)) {
            return Optional.empty();
        }
        return Optional.of(number(value, field));
    }

    /** A list of texts; Go's command lists also take one string for a list of one. */
    public List<String> words(String field) {
        JsonNode value = find(field);
        return value.isTextual() ? List.of(text(value, field)) : texts(field);
    }

    public List<String> texts(String field) {
        JsonNode value = find(field);
        if (isAbsent(value)) {
            return List.of();
        }
        if (!value.isArray()) {
            throw mismatch(value, field, "a list of strings");
        }
        List<String> texts = new ArrayList<>(value.size());
        value.forEach(element -> texts.add(text(element, field)));
        return texts;
    }

    public List<Long> numbers(String field) {
        JsonNode value = find(field);
        if (isAbsent(value)) {
            return List.of();
        }
        if (!value.isArray()) {
            throw mismatch(value, field, "a list of numbers");
        }
        List<Long> numbers = new ArrayList<>(value.size());
        value.forEach(element -> numbers.add(number(element, field)));
        return numbers;
    }

    public Map<String, String> map(String field) {
        Map<String, String> map = new LinkedHashMap<>();
        each(field, "an object of strings", (key, value) -> map.put(key, text(value, field)));
        return map;
    }

    /** A set, written as an object whose values do not matter. */
    public List<String> keys(String field) {
        List<String> keys = new ArrayList<>();
        each(field, "an object", (key, value) -> keys.add(key));
        return keys;
    }

    /** The fields of an object, each with its own object. */
    public Map<String, Body> bodies(String field) {
        Map<String, Body> bodies = new LinkedHashMap<>();
        each(field, "an object", (key, value) -> bodies.put(key, body(value, field)));
        return bodies;
    }

    public void each(String field, String type, BiConsumer<String, JsonNode> each) {
        JsonNode value = find(field);
        if (isAbsent(value)) {
            return;
        }
        if (!value.isObject()) {
            throw mismatch(value, field, type);
        }
        value.fields().forEachRemaining(entry -> each.accept(entry.getKey(), entry.getValue()));
    }

    /** The object in a field; an absent one has no fields. */
    public Body body(String field) {
        return body(find(field), field);
    }

    /** A list of objects. */
    public List<Body> list(String field) {
        return list(find(field), field);
    }

    /** A list of objects that was found by {@link #raw} or {@link #each}. */
    public List<Body> list(JsonNode value, String field) {
        if (isAbsent(value)) {
            return List.of();
        }
        if (!value.isArray()) {
            throw mismatch(value, field, "a list of objects");
        }
        List<Body> bodies = new ArrayList<>(value.size());
        value.forEach(element -> bodies.add(body(element, field)));
        return bodies;
    }

    private Body body(JsonNode value, String field) {
        if (isAbsent(value)) {
            return EMPTY;
        }
        if (!value.isObject()) {
            throw mismatch(value, field, "an object");
        }
        return new Body(value, path.isEmpty() ? field : path + "." + field);
    }

    private String text(JsonNode value, String field) {
        if (isAbsent(value)) {
            return "";
        }
        if (!value.isTextual()) {
            throw mismatch(value, field, "a string");
        }
        String text = value.textValue();
        if (text.indexOf('\0') >= 0) {
            throw Problem.invalid("invalid value of " + name(field) + ": NUL characters are not allowed");
        }
        return text;
    }

    private long number(JsonNode value, String field) {
        if (!value.isNumber()
                || !(value.isIntegralNumber() || value.doubleValue() == Math.rint(value.doubleValue()))
                || !value.canConvertToLong()) {
            throw mismatch(value, field, "a whole number");
        }
        return value.longValue();
    }

    /** Of names that differ in case alone the last one counts, as in Go. */
    private JsonNode find(String field) {
        JsonNode found = MissingNode.getInstance();
        for (Map.Entry<String, JsonNode> entry : node.properties()) {
            if (entry.getKey().equalsIgnoreCase(field)) {
                found = entry.getValue();
            }
        }
        return found;
    }

    private static boolean isAbsent(JsonNode value) {
        return value.isMissingNode() || value.isNull();
    }

    private Problem mismatch(JsonNode value, String field, String type) {
        return Problem.invalid("invalid JSON: field " + name(field) + " is " + kind(value) + ", expected " + type);
    }

    private String name(String field) {
        return path.isEmpty() ? field : path + "." + field;
    }

    private static String kind(JsonNode value) {
        return switch (value.getNodeType()) {
            case ARRAY -> "a list";
            case OBJECT, POJO -> "an object";
            case BOOLEAN -> "a boolean";
            case NUMBER -> "a number";
            case STRING, BINARY -> "a string";
            case NULL, MISSING -> "nothing";
        };
    }
}
