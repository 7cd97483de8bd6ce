package dev.wharf.log.codec;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.exc.InputCoercionException;
import dev.wharf.model.Digest;
import dev.wharf.model.Reference;
import dev.wharf.model.Repository;
import java.io.IOException;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The shapes of all types that may stand in an event. The stored format is for ever and is therefore spelled out here rather
 * than left to the defaults of a library: records are objects with a field for each component, a record of one component is
 * that component, enums are their names, times are ISO 8601, and what has a text form is text. A type that is not listed
 * is refused when the catalogue is read, long before anything is written; secrets have no shape on purpose.
 */
final class Shapes {
    private static final Pattern HALF_A_CHARACTER = Pattern.compile("\\p{Cs}");

    private final Map<Type, Shape> known = new ConcurrentHashMap<>();

    Shapes() {
        known.put(String.class, new Text<>(Object::toString, text -> text, "", "text"));
        known.put(boolean.class, new Bool());
        known.put(Boolean.class, new Bool());
        known.put(int.class, new Int());
        known.put(Integer.class, new Int());
        known.put(long.class, new Long64());
        known.put(Long.class, new Long64());
        known.put(
                Instant.class,
                new Text<>(InstantText::print, InstantText::parse, null, "a time such as 2026-12-01T12:00:00Z"));
        known.put(
                Duration.class,
                new Text<>(Duration::toString, Duration::parse, null, "a length of time such as PT10S"));
        known.put(Path.class, new Remembered(new Text<>(Path::toString, Path::of, null, "a path")));
        known.put(
                Digest.class,
                new Remembered(new Text<>(Digest::toString, Digest::parse, null, "a digest such as sha256:HEX")));
        known.put(
                Reference.class,
                new Remembered(new Text<>(Reference::toString, Reference::parse, null, "a reference of an image")));
        known.put(
                Repository.class,
                new Remembered(new Text<>(Repository::toString, Repository::parse, null, "a repository")));
    }

    /** From now on {@code type} has this shape. */
    void know(Type type, Shape shape) {
        known.put(type, shape);
    }

    /** The shape of {@code type}, which may be generic but must be resolved. */
    Shape of(Type type) {
        Shape shape = known.get(type);
        if (shape == null) {
            shape = make(type);
            known.put(type, shape);
        }
        return shape;
    }

    private Shape make(Type type) {
        if (type instanceof ParameterizedType generic) {
            Type[] arguments = generic.getActualTypeArguments();
            Class<?> raw = (Class<?>) generic.getRawType();
            if (raw == Optional.class) {
                return new Maybe(of(arguments[0]));
            }
            if (raw == List.class) {
                return new Listed(of(arguments[0]));
            }
            if (raw == Map.class) {
                return new Mapped(of(arguments[0]), of(arguments[1]));
            }
            if (raw.isRecord()) {
                return RecordShape.of(raw, arguments, this);
            }
        }
        if (type instanceof Class<?> plain) {
            if (plain.isEnum()) {
                return enumOf(plain);
            }
            if (plain.isRecord()) {
                return RecordShape.of(plain, new Type[0], this);
            }
        }
        throw new IllegalArgumentException("no stored shape for " + type.getTypeName());
    }

    private static Shape enumOf(Class<?> type) {
        Map<String, Object> constants = new LinkedHashMap<>();
        for (Object constant : type.getEnumConstants()) {
            constants.put(((Enum<?>) constant).name(), constant);
        }
        return new Text<>(
                value -> ((Enum<?>) value).name(),
                text -> {
                    Object constant = constants.get(text);
                    if (constant == null) {
                        throw new IllegalArgumentException("unknown " + type.getSimpleName() + " " + text);
                    }
                    return constant;
                },
                null,
                "one of " + String.join(", ", constants.keySet()));
    }

    /**
     * A value with a text form.
     *
     * @param what says what the text must be; a text that is not is no part of what is said about it, for it may be a secret
     */
    record Text<T>(
            Function<T, String> print,
            Function<String, T> parse,
            @Nullable T empty,
            String what) implements Shape {
        @Override
        public void write(JsonGenerator out, Object value) throws IOException {
            out.writeString(name(value));
        }

        @Override
        public Object read(JsonParser in) throws IOException {
            expect(in, JsonToken.VALUE_STRING);
            return fromName(in.getText());
        }

        @Override
        @SuppressWarnings("unchecked") // a shape is only ever given values of its own type
        public String name(Object value) {
            return print.apply((T) value);
        }

        @Override
        public Object fromName(String name) throws IOException {
            try {
                return parse.apply(name);
            } catch (RuntimeException e) {
                throw new IOException("must be " + what, e);
            }
        }
    }

    /**
     * Gives the same object for the same text, most of the time: a journal names the same few things over and over, so this
     * saves checking an identifier again and keeps one copy of it.
     */
    static final class Remembered implements Shape {
        private static final int SLOTS = 512;

        private record Slot(String text, Object value) {}

        private final Shape shape;
        private final @Nullable Slot[] slots = new Slot[SLOTS];

        /** By what is written, so that no text has to be made of it. */
        private final LeapingParser.@Nullable Known[] seen = new LeapingParser.Known[SLOTS];

        Remembered(Shape shape) {
            this.shape = shape;
        }

        @Override
        public void write(JsonGenerator out, Object value) throws IOException {
            shape.write(out, value);
        }

        @Override
        public Object read(JsonParser in) throws IOException {
            expect(in, JsonToken.VALUE_STRING);
            int telling = in instanceof LeapingParser text && text.isMemorable() ? text.telling() : -1;
            if (telling < 0) {
                return fromName(in.getText());
            }
            LeapingParser text = (LeapingParser) in;
            LeapingParser.Known known = seen[telling & (SLOTS - 1)];
            if (known != null && text.leapText(known)) {
                return known.value();
            }
            int begin = text.begin() + 1;
            Object value = shape.fromName(in.getText());
            seen[telling & (SLOTS - 1)] = text.since(begin, value);
            return value;
        }

        @Override
        public String name(Object value) {
            return shape.name(value);
        }

        @Override
        public Object fromName(String name) throws IOException {
            int index = (name.hashCode() * 0x9E3779B9 >>> 23) & (SLOTS - 1);
            Slot slot = slots[index];
            if (slot != null && slot.text().equals(name)) {
                return slot.value();
            }
            Object value = shape.fromName(name);
            slots[index] = new Slot(name, value);
            return value;
        }
    }

    private record Bool() implements Shape {
        @Override
        public void write(JsonGenerator out, Object value) throws IOException {
            out.writeBoolean((Boolean) value);
        }

        @Override
        public Object read(JsonParser in) throws IOException {
            if (in.currentToken() != JsonToken.VALUE_TRUE) {
                expect(in, JsonToken.VALUE_FALSE);
            }
            return in.getBooleanValue();
        }

        @Override
        public Object empty() {
            return false;
        }
    }

    private record Int() implements Shape {
        @Override
        public void write(JsonGenerator out, Object value) throws IOException {
            out.writeNumber((Integer) value);
        }

        @Override
        public Object read(JsonParser in) throws IOException {
            expect(in, JsonToken.VALUE_NUMBER_INT);
            try {
                return in.getIntValue();
            } catch (InputCoercionException e) {
                throw new IOException(
                        "must be a whole number from " + Integer.MIN_VALUE + " to " + Integer.MAX_VALUE, e);
            }
        }

        @Override
        public Object empty() {
            return 0;
        }
    }

    private record Long64() implements Shape {
        @Override
        public void write(JsonGenerator out, Object value) throws IOException {
            out.writeNumber((Long) value);
        }

        @Override
        public Object read(JsonParser in) throws IOException {
            expect(in, JsonToken.VALUE_NUMBER_INT);
            try {
                return in.getLongValue();
            } catch (InputCoercionException e) {
                throw new IOException("must be a whole number from " + Long.MIN_VALUE + " to " + Long.MAX_VALUE, e);
            }
        }

        @Override
        public Object empty() {
            return 0L;
        }
    }

    /** An optional is its value or, where it must be written, null. */
    private record Maybe(Shape value) implements Shape {
        @Override
        public void write(JsonGenerator out, Object optional) throws IOException {
            Optional<?> maybe = (Optional<?>) optional;
            if (maybe.isPresent()) {
                value.write(out, maybe.get());
            } else {
                out.writeNull();
            }
        }

        @Override
        public Object read(JsonParser in) throws IOException {
            return in.currentToken() == JsonToken.VALUE_NULL ? Optional.empty() : Optional.of(value.read(in));
        }

        @Override
        public Object empty() {
            return Optional.empty();
        }
    }

    private record Listed(Shape element) implements Shape {
        @Override
        public void write(JsonGenerator out, Object value) throws IOException {
            out.writeStartArray();
            for (Object one : (List<?>) value) {
                element.write(out, one);
            }
            out.writeEndArray();
        }

        @Override
        public Object read(JsonParser in) throws IOException {
            expect(in, JsonToken.START_ARRAY);
            List<Object> list = new ArrayList<>();
            while (in.nextToken() != JsonToken.END_ARRAY) {
                list.add(element.read(in));
            }
            return Collections.unmodifiableList(list);
        }

        @Override
        public Object empty() {
            return List.of();
        }
    }

    /** JSON has values with half a character in them, but no reader takes such a name: what cannot be read is not written. */
    private static String wellFormed(String name) {
        for (int i = 0; i < name.length(); i++) {
            if (Character.isSurrogate(name.charAt(i))) {
                return HALF_A_CHARACTER.matcher(name).replaceAll("\uFFFD");
            }
        }
        return name;
    }

    private record Mapped(Shape key, Shape value) implements Shape {
        @Override
        public void write(JsonGenerator out, Object map) throws IOException {
            out.writeStartObject();
            for (Map.Entry<?, ?> entry : ((Map<?, ?>) map).entrySet()) {
                out.writeFieldName(wellFormed(key.name(entry.getKey())));
                value.write(out, entry.getValue());
            }
            out.writeEndObject();
        }

        @Override
        public Object read(JsonParser in) throws IOException {
            expect(in, JsonToken.START_OBJECT);
            Map<Object, Object> map = new LinkedHashMap<>();
            for (String name = in.nextFieldName(); name != null; name = in.nextFieldName()) {
                in.nextToken();
                map.put(key.fromName(name), value.read(in));
            }
            return Collections.unmodifiableMap(map);
        }

        @Override
        public Object empty() {
            return Map.of();
        }
    }

    static void expect(JsonParser in, JsonToken token) throws IOException {
        if (in.currentToken() != token) {
            long at = in.currentTokenLocation().getByteOffset();
            throw new IOException("must be " + word(token) + (at < 0 ? "" : ", at byte " + at));
        }
    }

    private static String word(JsonToken token) {
        return switch (token) {
            case START_OBJECT -> "an object";
            case START_ARRAY -> "a list";
            case VALUE_STRING -> "text";
            case VALUE_NUMBER_INT -> "a whole number";
            case VALUE_TRUE, VALUE_FALSE -> "true or false";
            default -> token.name();
        };
    }
}
