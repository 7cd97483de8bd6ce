package dev.wharf.log.codec;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonFactoryBuilder;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.io.SerializedString;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.core.util.ByteArrayBuilder;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.core.event.Event;
import dev.wharf.core.journal.EventJournal.Batch;
import dev.wharf.core.journal.EventJournal.Cause;
import dev.wharf.log.codec.record.Envelope;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Writes and reads events and batches as JSON. A batch is {@code {"cause":{...},"at":"...","events":[...]}} and an event in
 * it {@code {"type":"container.started","v":2,"data":{...}}}. Current versions are read straight off the text; older ones go
 * through a tree and their {@link Upcaster}s. Unknown fields are passed over, unknown types and newer versions are not. What was
 * read is kept for a while, to be recognised when it comes again.
 *
 * <p>Safe for use by many threads.
 */
public final class EventCodec {
    /** No event nests this deep; a text that does is hostile or damaged. */
    private static final int MAX_DEPTH = 64;

    // The fields in the order in which they are written.
    private static final SerializedString CAUSE = new SerializedString("cause");
    private static final SerializedString AT = new SerializedString("at");
    private static final SerializedString EVENTS = new SerializedString("events");
    private static final SerializedString TYPE = new SerializedString("type");
    private static final SerializedString VERSION = new SerializedString("v");
    private static final SerializedString DATA = new SerializedString("data");

    private final JsonFactory json = new LeapingParser.Factory(new JsonFactoryBuilder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(MAX_DEPTH)
                    .maxStringLength(Envelope.MAX_PAYLOAD_BYTES)
                    .maxNumberLength(32)
                    .build())
            // A table of names in the JVM helps nobody here and costs a look-up for each field.
            .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
            .disable(JsonReadFeature.ALLOW_UNESCAPED_CONTROL_CHARS));
    private final EventTypes types = new EventTypes();
    private final Shapes shapes = new Shapes();
    private final Shape cause = shapes.of(Cause.class);
    private final Shape instant = shapes.of(Instant.class);
    private final Map<String, Map<Integer, Upcaster>> upcasters = new HashMap<>();

    public EventCodec() {
        this(Upcaster.ALL);
    }

    EventCodec(List<Upcaster> upcasters) {
        for (Upcaster one : upcasters) {
            this.upcasters.computeIfAbsent(one.type(), type -> new HashMap<>()).put(one.from(), one);
        }
    }

    /** Every type name with the version that is written now. */
    public Map<String, Integer> versions() {
        Map<String, Integer> versions = new TreeMap<>();
        types.byName().forEach((name, stored) -> versions.put(name, stored.version()));
        return versions;
    }

    /** The name an event is stored under, such as {@code container.started}. */
    public String typeOf(Event event) {
        return types.of(event).name();
    }

    /** The class that is stored under {@code type} now. */
    Optional<Class<? extends Event>> classOf(String type) {
        return Optional.ofNullable(types.byName().get(type)).map(EventTypes.Stored::type);
    }

    /** Sees to it that every event in the catalogue can be stored, which otherwise shows when the first one is. */
    void checkCatalogue() {
        types.byName().values().forEach(stored -> shapes.of(stored.type()));
    }

    /** One batch as UTF-8 JSON. */
    public byte[] encode(Batch batch) throws IOException {
        return bytes(out -> {
            out.writeStartObject();
            out.writeFieldName("cause");
            cause.write(out, batch.cause());
            out.writeFieldName("at");
            instant.write(out, batch.at());
            out.writeArrayFieldStart("events");
            for (Event event : batch.events()) {
                write(out, event);
            }
            out.writeEndArray();
            out.writeEndObject();
        });
    }

    /** One event as UTF-8 JSON. */
    public byte[] encode(Event event) throws IOException {
        return bytes(out -> write(out, event));
    }

    private interface Writing {
        void to(JsonGenerator out) throws IOException;
    }

    private byte[] bytes(Writing writing) throws IOException {
        try (ByteArrayBuilder bytes = new ByteArrayBuilder(512)) {
            try (JsonGenerator out = json.createGenerator(bytes)) {
                writing.to(out);
            }
            return bytes.toByteArray();
        }
    }

    private void write(JsonGenerator out, Event event) throws IOException {
        EventTypes.Stored stored = types.of(event);
        out.writeStartObject();
        out.writeStringField("type", stored.name());
        out.writeNumberField("v", stored.version());
        out.writeFieldName("data");
        shapes.of(stored.type()).write(out, event);
        out.writeEndObject();
    }

    /**
     * A batch that was read.
     *
     * @param bounds where the text of each event begins in that of the batch and where it ends, event by event; both are 0 where
     *     it is of an older version than is written now
     */
    public record Found(Batch batch, int[] bounds) {}

    /** Reads what {@link #encode(Batch)} wrote, now or in an older Wharf. The payload's array must never change afterwards. */
    public Batch decodeBatch(ByteBuffer payload) throws IOException {
        return find(payload).batch();
    }

    /** Reads a batch as {@link #decodeBatch} does, and tells where its events lie. */
    public Found find(ByteBuffer payload) throws IOException {
        try (JsonParser in = parser(payload)) {
            in.nextToken();
            Shapes.expect(in, JsonToken.START_OBJECT);
            Optional<Cause> why = Optional.empty();
            Optional<Instant> when = Optional.empty();
            List<Event> events = new ArrayList<>(4);
            int[] bounds = {};
            SerializedString expected = CAUSE;
            for (String field = next(in, expected); field != null; field = next(in, expected)) {
                in.nextToken();
                expected = field.equals("cause") ? AT : EVENTS;
                switch (field) {
                    case "cause" -> why = Optional.of((Cause) cause.read(in));
                    case "at" -> when = Optional.of((Instant) instant.read(in));
                    case "events" -> {
                        Shapes.expect(in, JsonToken.START_ARRAY);
                        while (in.nextToken() != JsonToken.END_ARRAY) {
                            bounds = Arrays.copyOf(bounds, 2 * events.size() + 2);
                            events.add(event(in, bounds, 2 * events.size()));
                        }
                    }
                    default -> in.skipChildren();
                }
            }
            return new Found(
                    new Batch(
                            why.orElseThrow(() -> new IOException("a batch without a cause")),
                            when.orElseThrow(() -> new IOException("a batch without a time")),
                            events),
                    bounds);
        }
    }

    /** Reads what {@link #encode(Event)} wrote, now or in an older Wharf. The text's array must never change afterwards. */
    public Event decodeEvent(ByteBuffer text) throws IOException {
        try (JsonParser in = parser(text)) {
            in.nextToken();
            return event(in, new int[2], 0);
        }
    }

    private JsonParser parser(ByteBuffer text) throws IOException {
        if (text.hasArray()) {
            return json.createParser(text.array(), text.arrayOffset() + text.position(), text.remaining());
        }
        byte[] copy = new byte[text.remaining()];
        text.duplicate().get(copy);
        return json.createParser(copy);
    }

    private Event event(JsonParser in, int[] bounds, int at) throws IOException {
        Shapes.expect(in, JsonToken.START_OBJECT);
        int begin = (int) in.currentTokenLocation().getByteOffset();
        String type = "";
        int version = 0;
        Optional<Event> event = Optional.empty();
        SerializedString expected = TYPE;
        for (String field = next(in, expected); field != null; field = next(in, expected)) {
            in.nextToken();
            expected = field.equals("type") ? VERSION : DATA;
            switch (field) {
                case "type" -> type = in.getText();
                case "v" -> version = in.getIntValue();
                case "data" -> event = Optional.of(data(in, type, version));
                default -> in.skipChildren();
            }
        }
        if (event.isEmpty()) {
            throw new IOException("an event without data");
        }
        if (version == types.of(event.get()).version()) {
            bounds[at] = begin;
            bounds[at + 1] = (int) in.currentLocation().getByteOffset();
        }
        return event.get();
    }

    /** The next field's name, null at the end of the object. It is told quicker whether it is the expected one than what it is. */
    private static @Nullable String next(JsonParser in, SerializedString expected) throws IOException {
        if (in.nextFieldName(expected)) {
            return expected.getValue();
        }
        return in.currentToken() == JsonToken.FIELD_NAME ? in.currentName() : null;
    }

    private Event data(JsonParser in, String type, int version) throws IOException {
        EventTypes.Stored stored = types.byName().get(type);
        if (stored == null) {
            throw new UnknownEventException("event type \"" + type + "\" is not known to this Wharf");
        }
        if (version > stored.version()) {
            throw new UnknownEventException("event type \"" + type + "\" has version " + version
                    + ", and this Wharf reads up to " + stored.version());
        }
        Shape shape = shapes.of(stored.type());
        try {
            if (version == stored.version()) {
                return (Event) shape.read(in);
            }
            try (JsonParser upcast = Trees.MAPPER.treeAsTokens(upcast(in, stored, version))) {
                upcast.nextToken();
                return (Event) shape.read(upcast);
            }
        } catch (UnknownEventException e) {
            throw e;
        } catch (IOException e) {
            throw new IOException("cannot read " + type + " version " + version + ": " + e.getMessage(), e);
        }
    }

    private ObjectNode upcast(JsonParser in, EventTypes.Stored stored, int version) throws IOException {
        JsonNode tree = Trees.MAPPER.readTree(in);
        if (!(tree instanceof ObjectNode data)) {
            throw new IOException("expected an object");
        }
        Map<Integer, Upcaster> steps = upcasters.getOrDefault(stored.name(), Map.of());
        for (int from = version; from < stored.version(); from++) {
            Upcaster step = steps.get(from);
            if (step == null) {
                throw new UnknownEventException("event type \"" + stored.name() + "\" has version " + version
                        + ", and no upcaster reads version " + from);
            }
            data = step.change().apply(data);
        }
        return data;
    }

    /** Loaded when the first old event is met, which on most hosts is never. */
    private static final class Trees {
        static final ObjectMapper MAPPER = new ObjectMapper();
    }
}
