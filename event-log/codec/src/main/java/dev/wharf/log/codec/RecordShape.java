package dev.wharf.log.codec;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.io.SerializedString;
import java.io.IOException;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A record is a JSON object with a field for each component. Unknown fields are passed over. */
final class RecordShape implements Shape {
    private final Class<?> type;
    private final SerializedString[] names;
    private final Shape[] shapes;
    private final @Nullable Object[] empties;
    private final Method[] accessors;
    private final Constructor<?> constructor;
    private final Map<String, Integer> indexes = new HashMap<>();

    /** Whether there will be another one like it. No event happens twice. */
    private final boolean recurs;

    /** What was read last; threads that do not see each other's read again. */
    private LeapingParser.@Nullable Known last;

    private RecordShape(Class<?> type, Type[] arguments, Shapes all) {
        RecordComponent[] components = type.getRecordComponents();
        this.type = type;
        this.recurs = !dev.wharf.core.event.Event.class.isAssignableFrom(type);
        this.names = new SerializedString[components.length];
        this.shapes = new Shape[components.length];
        this.empties = new Object[components.length];
        this.accessors = new Method[components.length];
        Class<?>[] parameters = new Class<?>[components.length];
        for (int i = 0; i < components.length; i++) {
            names[i] = new SerializedString(components[i].getName());
            shapes[i] = all.of(resolve(components[i].getGenericType(), type, arguments));
            empties[i] = shapes[i].empty();
            accessors[i] = components[i].getAccessor();
            accessors[i].setAccessible(true);
            parameters[i] = components[i].getType();
            indexes.put(components[i].getName(), i);
        }
        try {
            this.constructor = type.getDeclaredConstructor(parameters);
            this.constructor.setAccessible(true);
        } catch (NoSuchMethodException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The shape of a record that stands alone, an object however many components it has. */
    static Shape whole(Class<?> type, Shapes all) {
        return new RecordShape(type, new Type[0], all);
    }

    /** The shape of a record; one of a single component is that component. */
    static Shape of(Class<?> type, Type[] arguments, Shapes all) {
        RecordShape shape = new RecordShape(type, arguments, all);
        if (shape.shapes.length != 1 || !shape.recurs) {
            return shape;
        }
        Single single = new Single(shape);
        return shape.shapes[0] instanceof Shapes.Text<?> ? new Shapes.Remembered(single) : single;
    }

    /** A generic type with what {@code owner}'s type variables stand for in place of them. */
    static Type resolved(ParameterizedType type, Class<?> owner, Type[] arguments) {
        return resolve(type, owner, arguments);
    }

    /** Puts what {@code owner}'s type variables stand for in place of them. */
    private static Type resolve(Type type, Class<?> owner, Type[] arguments) {
        if (type instanceof TypeVariable<?> variable) {
            TypeVariable<?>[] variables = owner.getTypeParameters();
            for (int i = 0; i < variables.length; i++) {
                if (variables[i].equals(variable)) {
                    return arguments[i];
                }
            }
        }
        if (type instanceof ParameterizedType generic) {
            Type[] inner = generic.getActualTypeArguments();
            Type[] resolved = new Type[inner.length];
            for (int i = 0; i < inner.length; i++) {
                resolved[i] = resolve(inner[i], owner, arguments);
            }
            return new Generic((Class<?>) generic.getRawType(), java.util.List.of(resolved));
        }
        return type;
    }

    /** A resolved generic type with the equality that a map of types needs. */
    private record Generic(Class<?> raw, java.util.List<Type> arguments) implements ParameterizedType {
        @Override
        public Type[] getActualTypeArguments() {
            return arguments.toArray(Type[]::new);
        }

        @Override
        public Type getRawType() {
            return raw;
        }

        @Override
        public @Nullable Type getOwnerType() {
            return raw.getDeclaringClass();
        }
    }

    @Override
    public void write(JsonGenerator out, Object value) throws IOException {
        out.writeStartObject();
        for (int i = 0; i < names.length; i++) {
            Object component = component(i, value);
            if (!component.equals(empties[i])) {
                out.writeFieldName(names[i]);
                shapes[i].write(out, component);
            }
        }
        out.writeEndObject();
    }

    private Object component(int index, Object value) {
        try {
            return accessors[index].invoke(value);
        } catch (IllegalAccessException | InvocationTargetException e) {
            throw new IllegalStateException(type.getName() + "." + names[index], e);
        }
    }

    @Override
    public Object read(JsonParser in) throws IOException {
        Shapes.expect(in, JsonToken.START_OBJECT);
        if (!recurs || !(in instanceof LeapingParser text) || !text.isMemorable()) {
            return fields(in);
        }
        LeapingParser.Known known = last;
        if (known != null && text.leapObject(known)) {
            return known.value();
        }
        int begin = text.begin();
        Object value = fields(in);
        last = text.since(begin, value);
        return value;
    }

    private Object fields(JsonParser in) throws IOException {
        @Nullable Object[] values = empties.clone();
        int expected = 0;
        while (true) {
            int index = nextField(in, expected);
            if (index == END) {
                return construct(values);
            }
            in.nextToken();
            if (index == UNKNOWN) {
                in.skipChildren();
            } else {
                values[index] = value(index, in);
                expected = index + 1;
            }
        }
    }

    private static final int END = -1;
    private static final int UNKNOWN = -2;

    /** The component whose field comes next: mostly the one after the last, for we wrote them in order. */
    private int nextField(JsonParser in, int expected) throws IOException {
        if (expected < names.length && in.nextFieldName(names[expected])) {
            return expected;
        }
        if (expected == names.length) {
            in.nextToken();
        }
        if (in.currentToken() == JsonToken.END_OBJECT) {
            return END;
        }
        Shapes.expect(in, JsonToken.FIELD_NAME);
        return indexes.getOrDefault(in.currentName(), UNKNOWN);
    }

    private Object value(int index, JsonParser in) throws IOException {
        try {
            return shapes[index].read(in);
        } catch (FieldException e) {
            throw e.within(names[index].getValue());
        } catch (IOException e) {
            throw new FieldException(names[index].getValue(), e);
        }
    }

    private Object construct(@Nullable Object[] values) throws IOException {
        for (int i = 0; i < values.length; i++) {
            if (values[i] == null) {
                throw new FieldException(names[i].getValue(), new IOException("is missing"));
            }
        }
        try {
            return constructor.newInstance(values);
        } catch (InvocationTargetException e) {
            Throwable refused = e.getTargetException();
            throw new IOException(refused.getMessage(), refused);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(type.getName(), e);
        }
    }

    /** Says which field was wrong, by its whole path. */
    private static final class FieldException extends IOException {
        private static final long serialVersionUID = 1L;

        private final String path;
        private final IOException inner;

        FieldException(String path, IOException inner) {
            super("field " + path + ": " + inner.getMessage(), inner);
            this.path = path;
            this.inner = inner;
        }

        FieldException within(String outer) {
            return new FieldException(outer + "." + path, inner);
        }
    }

    /** A record of one component, written as that component. */
    private record Single(RecordShape shape) implements Shape {
        @Override
        public void write(JsonGenerator out, Object value) throws IOException {
            shape.shapes[0].write(out, shape.component(0, value));
        }

        @Override
        public Object read(JsonParser in) throws IOException {
            return shape.construct(new Object[] {shape.shapes[0].read(in)});
        }

        @Override
        public String name(Object value) {
            return shape.shapes[0].name(shape.component(0, value));
        }

        @Override
        public Object fromName(String name) throws IOException {
            return shape.construct(new Object[] {shape.shapes[0].fromName(name)});
        }
    }
}
