package dev.wharf.log.codec;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * How the values of one Java type are written and read. A field whose value is the type's {@link #empty} is not written, and
 * a field that is not there is read as it; so a new field of such a type needs no new version.
 */
interface Shape {
    void write(JsonGenerator out, Object value) throws IOException;

    /** Reads the value whose first token is the parser's current one, and leaves the parser at its last. */
    Object read(JsonParser in) throws IOException;

    /** What a missing field means: zero, false, nothing; or null where there is no such value and a field is required. */
    default @Nullable Object empty() {
        return null;
    }

    /** The value's text as a name in a JSON object, for map keys. */
    default String name(Object value) {
        throw new IllegalArgumentException("no map key: " + value.getClass().getName());
    }

    default Object fromName(String name) throws IOException {
        throw new IOException("no map key: " + name);
    }
}
