package dev.wharf.log.codec;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Writes and reads single records in the shapes that events have: for what is sent beside events, such as commands and their
 * answers. A component of type {@link JsonNode} is JSON as it stands. Safe for use by many threads.
 */
public final class RecordCodec {
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private final Shapes shapes = new Shapes();
    private final Map<Class<?>, Shape> whole = new ConcurrentHashMap<>();

    public RecordCodec() {
        shapes.know(JsonNode.class, new Tree());
    }

    public byte[] write(Record value) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(256);
        try (JsonGenerator out = MAPPER.createGenerator(bytes)) {
            whole(value.getClass()).write(out, value);
        }
        return bytes.toByteArray();
    }

    /** Reads a record; what is missing is empty where it may be, and otherwise the message names it. */
    public <R extends Record> R read(Class<R> type, JsonNode tree) throws IOException {
        try (JsonParser in = MAPPER.treeAsTokens(tree)) {
            in.nextToken();
            return type.cast(whole(type).read(in));
        }
    }

    /** What stands alone is an object even where it has one component only: another may come. */
    private Shape whole(Class<? extends Record> type) {
        return whole.computeIfAbsent(type, t -> RecordShape.whole(t, shapes));
    }

    private record Tree() implements Shape {
        @Override
        public void write(JsonGenerator out, Object value) throws IOException {
            MAPPER.writeTree(out, (JsonNode) value);
        }

        @Override
        public Object read(JsonParser in) throws IOException {
            return MAPPER.readTree(in);
        }

        @Override
        public Object empty() {
            return MAPPER.createObjectNode();
        }
    }
}
