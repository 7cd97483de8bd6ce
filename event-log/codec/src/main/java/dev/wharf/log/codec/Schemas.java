package dev.wharf.log.codec;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.core.event.Event;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * JSON Schemas (2020-12) of what the codecs write, made from the same records. Fields that may be left out when they are empty
 * are not required, and fields that are not named are allowed: that is how a schema grows within a version.
 */
public final class Schemas {
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private final Shapes shapes = new Shapes();
    private final Map<String, ObjectNode> definitions = new TreeMap<>();
    private final Map<Type, String> names = new LinkedHashMap<>();

    private Schemas() {
        shapes.know(JsonNode.class, new NoShape());
    }

    /** Only its name counts here. */
    private record NoShape() implements Shape {
        @Override
        public void write(com.fasterxml.jackson.core.JsonGenerator out, Object value) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Object read(com.fasterxml.jackson.core.JsonParser in) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Object empty() {
            return MAPPER.createObjectNode();
        }
    }

    /** The schema of each event as it is stored and sent, by its type's name. */
    public static Map<String, ObjectNode> events() {
        Map<String, ObjectNode> all = new TreeMap<>();
        new EventTypes().byName().forEach((name, stored) -> {
            ObjectNode schema = document("urn:dev.wharf:event:" + name + ":" + stored.version(), name);
            schema.put("type", "object");
            ObjectNode properties = schema.putObject("properties");
            properties.putObject("type").put("const", name);
            properties.putObject("v").put("const", stored.version());
            Schemas schemas = new Schemas();
            properties.set("data", schemas.record(stored.type(), new Type[0]));
            schema.putArray("required").add("type").add("v").add("data");
            schemas.define(schema);
            all.put(name, schema);
        });
        return all;
    }

    /** The schema of one record. */
    public static ObjectNode of(Class<? extends Record> type, String id, String title) {
        Schemas schemas = new Schemas();
        ObjectNode schema = document(id, title);
        schema.setAll(schemas.record(type, new Type[0]));
        schemas.define(schema);
        return schema;
    }

    private static ObjectNode document(String id, String title) {
        return MAPPER.createObjectNode()
                .put("$schema", "https://json-schema.org/draft/2020-12/schema")
                .put("$id", id)
                .put("title", title);
    }

    private void define(ObjectNode schema) {
        if (!definitions.isEmpty()) {
            ObjectNode all = schema.putObject("$defs");
            definitions.forEach(all::set);
        }
    }

    private ObjectNode record(Class<?> type, Type[] arguments) {
        ObjectNode schema = MAPPER.createObjectNode().put("type", "object");
        ObjectNode properties = schema.putObject("properties");
        ArrayNode required = MAPPER.createArrayNode();
        for (RecordComponent component : type.getRecordComponents()) {
            Type resolved = resolve(component.getGenericType(), type, arguments);
            properties.set(component.getName(), of(resolved));
            if (shapes.of(resolved).empty() == null) {
                required.add(component.getName());
            }
        }
        if (!required.isEmpty()) {
            schema.set("required", required);
        }
        return schema;
    }

    private static Type resolve(Type type, Class<?> owner, Type[] arguments) {
        if (type instanceof TypeVariable<?> variable) {
            TypeVariable<?>[] variables = owner.getTypeParameters();
            for (int i = 0; i < variables.length; i++) {
                if (variables[i].equals(variable)) {
                    return arguments[i];
                }
            }
        }
        return type instanceof ParameterizedType generic ? RecordShape.resolved(generic, owner, arguments) : type;
    }

    private ObjectNode of(Type type) {
        ObjectNode schema = MAPPER.createObjectNode();
        if (type instanceof ParameterizedType generic) {
            Class<?> raw = (Class<?>) generic.getRawType();
            Type[] arguments = generic.getActualTypeArguments();
            if (raw == Optional.class) {
                return of(arguments[0]);
            }
            if (raw == List.class || raw == java.util.Set.class) {
                schema.put("type", "array").set("items", of(arguments[0]));
                return schema;
            }
            if (raw == Map.class) {
                schema.put("type", "object").set("additionalProperties", of(arguments[1]));
                return schema;
            }
            return named(type, raw, arguments);
        }
        Class<?> plain = (Class<?>) type;
        if (plain == JsonNode.class) {
            return schema.put("type", "object");
        }
        if (plain == boolean.class || plain == Boolean.class) {
            return schema.put("type", "boolean");
        }
        if (plain == int.class || plain == Integer.class || plain == long.class || plain == Long.class) {
            return schema.put("type", "integer");
        }
        if (plain == Instant.class) {
            return schema.put("type", "string").put("format", "date-time");
        }
        if (plain == Duration.class) {
            return schema.put("type", "string").put("format", "duration");
        }
        if (plain.isEnum()) {
            ArrayNode constants = schema.put("type", "string").putArray("enum");
            for (Object constant : plain.getEnumConstants()) {
                constants.add(((Enum<?>) constant).name());
            }
            return schema;
        }
        return plain.isRecord() && shapes.of(plain) instanceof RecordShape
                ? named(type, plain, new Type[0])
                : plain.isRecord() && plain.getRecordComponents().length == 1 && !isText(plain)
                        ? of(plain.getRecordComponents()[0].getGenericType())
                        : schema.put("type", "string");
    }

    /** Whether a record has a text form of its own, whatever its components are. */
    private boolean isText(Class<?> type) {
        return shapes.of(type) instanceof Shapes.Remembered || shapes.of(type) instanceof Shapes.Text<?>;
    }

    /** Records are defined once and referred to, for some hold others of their own kind. */
    private ObjectNode named(Type type, Class<?> raw, Type[] arguments) {
        String name = names.get(type);
        if (name == null) {
            Class<?> outer = raw.getEnclosingClass();
            name = (outer == null || Event.class.isAssignableFrom(outer) ? "" : outer.getSimpleName())
                    + raw.getSimpleName();
            for (Type argument : arguments) {
                String full = argument.getTypeName();
                name += "-" + full.substring(Math.max(full.lastIndexOf('.'), full.lastIndexOf('$')) + 1);
            }
            names.put(type, name);
            definitions.put(name, record(raw, arguments));
        }
        return MAPPER.createObjectNode().put("$ref", "#/$defs/" + name);
    }
}
