package dev.wharf.engine.json;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.Arrays;
import java.util.Collection;
import java.util.Map;

/** Reads and writes JSON trees. */
public final class Json {
    private static final ObjectMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(64)
                            .maxTokenCount(1_000_000)
                            .maxStringLength(8 << 20)
                            .build())
                    .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private Json() {}

    public static ObjectNode object() {
        return JsonNodeFactory.instance.objectNode();
    }

    public static ArrayNode array() {
        return JsonNodeFactory.instance.arrayNode();
    }

    public static ArrayNode array(Collection<String> texts) {
        ArrayNode array = array();
        texts.forEach(array::add);
        return array;
    }

    /** A list, or null where it is empty: what Go writes for a list that nobody made. */
    public static JsonNode arrayOrNull(Collection<String> texts) {
        return texts.isEmpty() ? JsonNodeFactory.instance.nullNode() : array(texts);
    }

    public static ObjectNode map(Map<String, String> texts) {
        ObjectNode object = object();
        texts.forEach(object::put);
        return object;
    }

    /** A set, which Docker writes as an object whose values are empty objects. */
    public static ObjectNode set(Collection<String> members) {
        ObjectNode object = object();
        members.forEach(object::putObject);
        return object;
    }

    public static byte[] bytes(JsonNode node) {
        try {
            return MAPPER.writeValueAsBytes(node);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a tree of plain values cannot be written", e);
        }
    }

    /** A document as a line: a whole answer, or one record of a stream. */
    public static byte[] line(JsonNode node) {
        return terminated(bytes(node), "\n");
    }

    /** One record of a progress stream, which ends in CR and LF. */
    public static byte[] record(JsonNode node) {
        return terminated(bytes(node), "\r\n");
    }

    private static byte[] terminated(byte[] bytes, String end) {
        byte[] whole = Arrays.copyOf(bytes, bytes.length + end.length());
        for (int i = 0; i < end.length(); i++) {
            whole[bytes.length + i] = (byte) end.charAt(i);
        }
        return whole;
    }

    /** Reads a document; fails with the parser's own words, which never hold more than a short piece of the input. */
    public static JsonNode parse(byte[] document) throws IOException {
        return MAPPER.readTree(document);
    }
}
