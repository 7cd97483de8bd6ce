package dev.wharf.spi.registry;

import dev.wharf.model.Descriptor;
import java.io.IOException;
import java.io.InputStream;

/** Something to upload: what it is, and its bytes, which may be opened more than once. */
public interface Content {
    Descriptor descriptor();

    /** A repository of the same registry known to have it already, for a mount instead of an upload; empty if none. */
    default String knownIn() {
        return "";
    }

    /** Hears that it was mounted from there, and not uploaded. */
    default void mounted() {}

    InputStream open() throws IOException;
}
