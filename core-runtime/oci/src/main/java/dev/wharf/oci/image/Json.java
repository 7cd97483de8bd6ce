package dev.wharf.oci.image;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.model.Platform;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Reads the fields of a document, each with the name that a complaint needs. */
final class Json {
    /**
     * A document of a few megabytes can hold millions of empty arrays, each a hundred times its size in memory, so what is
     * bounded is not only the bytes but what they unfold to.
     */
    private static final StreamReadConstraints LIMITS = StreamReadConstraints.builder()
            .maxNestingDepth(48)
            .maxTokenCount(200_000)
            .maxStringLength(8 << 20)
            .maxNumberLength(32)
            .build();

    private static final ObjectMapper MAPPER = JsonMapper.builder(
                    JsonFactory.builder().streamReadConstraints(LIMITS).build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            // Two parsers that disagree on which of two equal keys counts see two images under one digest.
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();

    private Json() {}

    static JsonNode parse(byte[] document, int limitBytes, String what) throws DocumentException {
        if (document.length > limitBytes) {
            throw new DocumentException(
                    what + " is too big: " + document.length + " bytes, at most " + limitBytes + " are read");
        }
        JsonNode node;
        try {
            node = MAPPER.readTree(document);
        } catch (JsonProcessingException e) {
            throw new DocumentException("malformed " + what + ": " + e.getOriginalMessage(), e);
        } catch (IOException e) {
            throw new DocumentException("malformed " + what + ": " + e.getMessage(), e);
        }
        if (node == null || !node.isObject()) {
            throw new DocumentException("malformed " + what + ": not a JSON object");
        }
        return node;
    }

    static byte[] write(JsonNode node) {
        try {
            return MAPPER.writeValueAsBytes(node);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a tree of plain values cannot be written", e);
        }
    }

    static ObjectNode object() {
        return JsonNodeFactory.instance.objectNode();
    }

    /**
     * The field {@code key}, in whichever case its name is written: engines read names so, and some writers count on it. Two
     * spellings of one name are refused, as readers disagree on which of them counts.
     */
    static JsonNode field(JsonNode object, String key) throws DocumentException {
        JsonNode found = MissingNode.getInstance();
        for (Map.Entry<String, JsonNode> field : object.properties()) {
            if (field.getKey().equalsIgnoreCase(key)) {
                if (!found.isMissingNode()) {
                    throw new DocumentException("ambiguous document: it has \"" + key + "\" in two spellings");
                }
                found = field.getValue();
            }
        }
        return found;
    }

    static boolean has(JsonNode object, String key) throws DocumentException {
        return !field(object, key).isMissingNode();
    }

    /** The text under {@code key}; absent and null are empty. */
    static String text(JsonNode object, String key) throws DocumentException {
        return textOf(field(object, key), key);
    }

    private static String textOf(JsonNode value, String key) throws DocumentException {
        if (absent(value)) {
            return "";
        }
        if (!value.isTextual()) {
            throw new DocumentException("field \"" + key + "\" is not a string");
        }
        return checked(value.textValue(), key);
    }

    static List<String> texts(JsonNode object, String key) throws DocumentException {
        JsonNode value = field(object, key);
        if (absent(value)) {
            return List.of();
        }
        if (!value.isArray()) {
            throw new DocumentException("field \"" + key + "\" is not a list");
        }
        List<String> texts = new ArrayList<>(value.size());
        for (JsonNode element : value) {
            if (!element.isTextual()) {
                throw new DocumentException("field \"" + key + "\" holds something that is not a string");
            }
            texts.add(checked(element.textValue(), key));
        }
        return texts;
    }

    /** A command line, which early builders wrote as one string. */
    static List<String> words(JsonNode object, String key) throws DocumentException {
        return field(object, key).isTextual() ? List.of(text(object, key)) : texts(object, key);
    }

    /** A set, which Docker writes as an object whose values are empty objects. */
    static List<String> keys(JsonNode object, String key) throws DocumentException {
        JsonNode value = field(object, key);
        if (absent(value)) {
            return List.of();
        }
        if (!value.isObject()) {
            throw new DocumentException("field \"" + key + "\" is not an object");
        }
        List<String> keys = new ArrayList<>(value.size());
        for (Iterator<String> names = value.fieldNames(); names.hasNext(); ) {
            keys.add(checked(names.next(), key));
        }
        return keys;
    }

    static Map<String, String> map(JsonNode object, String key) throws DocumentException {
        JsonNode value = field(object, key);
        if (absent(value)) {
            return Map.of();
        }
        Map<String, String> map = new LinkedHashMap<>();
        for (String name : keys(object, key)) {
            map.put(name, textOf(value.path(name), name));
        }
        return map;
    }

    /** The whole number under {@code key}; absent and null are 0. */
    static long number(JsonNode object, String key) throws DocumentException {
        JsonNode value = field(object, key);
        if (absent(value)) {
            return 0;
        }
        if (!value.isIntegralNumber() || !value.canConvertToLong()) {
            throw new DocumentException("field \"" + key + "\" is not a whole number");
        }
        return value.longValue();
    }

    static JsonNode child(JsonNode object, String key) throws DocumentException {
        JsonNode value = field(object, key);
        if (!absent(value) && !value.isObject()) {
            throw new DocumentException("field \"" + key + "\" is not an object");
        }
        return value;
    }

    static JsonNode list(JsonNode object, String key, int limit) throws DocumentException {
        JsonNode value = field(object, key);
        if (!absent(value) && !value.isArray()) {
            throw new DocumentException("field \"" + key + "\" is not a list");
        }
        if (value.size() > limit) {
            throw new DocumentException(
                    "field \"" + key + "\" has " + value.size() + " elements, at most " + limit + " are read");
        }
        return value;
    }

    static boolean absent(JsonNode value) {
        return value.isMissingNode() || value.isNull();
    }

    static Descriptor descriptor(JsonNode node, String what) throws DocumentException {
        if (!node.isObject()) {
            throw new DocumentException(what + " has no descriptor");
        }
        try {
            String mediaType = text(node, "mediaType");
            if (mediaType.isEmpty()) {
                throw new DocumentException(what + " has no media type");
            }
            if (absent(field(node, "size"))) {
                throw new DocumentException(what + " has no size");
            }
            return new Descriptor(
                    mediaType,
                    Digest.parse(text(node, "digest")),
                    number(node, "size"),
                    platform(child(node, "platform")),
                    map(node, "annotations"));
        } catch (IllegalArgumentException e) {
            throw new DocumentException("malformed descriptor of " + what + ": " + e.getMessage(), e);
        }
    }

    private static Optional<Platform> platform(JsonNode node) throws DocumentException {
        if (absent(node)) {
            return Optional.empty();
        }
        return Optional.of(new Platform(text(node, "os"), text(node, "architecture"), text(node, "variant")));
    }

    static ObjectNode tree(Descriptor descriptor) {
        ObjectNode node = object();
        node.put("mediaType", descriptor.mediaType());
        node.put("digest", descriptor.digest().toString());
        node.put("size", descriptor.sizeBytes());
        descriptor.platform().ifPresent(platform -> {
            ObjectNode child = node.putObject("platform");
            child.put("architecture", platform.architecture());
            child.put("os", platform.os());
            if (!platform.variant().isEmpty()) {
                child.put("variant", platform.variant());
            }
        });
        putMap(node, "annotations", descriptor.annotations());
        return node;
    }

    static void putMap(ObjectNode node, String key, Map<String, String> map) {
        if (!map.isEmpty()) {
            ObjectNode child = node.putObject(key);
            map.forEach(child::put);
        }
    }

    /** A NUL cannot be passed to a program or named in a file system; nothing honest has one. */
    private static String checked(String text, String key) throws DocumentException {
        if (text.indexOf('\0') >= 0) {
            throw new DocumentException("field \"" + key + "\" holds a NUL character");
        }
        return text;
    }
}
