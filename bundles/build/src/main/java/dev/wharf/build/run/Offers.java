package dev.wharf.build.run;

import java.io.Closeable;
import java.io.IOException;
import java.util.Optional;

/**
 * What a client lends to RUN steps that ask for it by {@code --mount=type=secret} and {@code ssh}. It is held in memory, is
 * shown to a step's container from a file system in memory, and goes with the step: it is in no event, key, layer or log. Safe
 * to use from any thread; may block while the client is asked.
 */
public interface Offers {
    /** Nothing is lent. */
    Offers NONE = new Offers() {
        @Override
        public Optional<byte[]> secret(String id) {
            return Optional.empty();
        }

        @Override
        public Optional<Agent> agent(String id) {
            return Optional.empty();
        }
    };

    /** A secret by its id; empty where none of that id is lent. */
    Optional<byte[]> secret(String id) throws IOException;

    /** An ssh agent by its id; empty where none of that id is lent. */
    Optional<Agent> agent(String id) throws IOException;

    /** An ssh agent. */
    interface Agent {
        /** One more connection to it. */
        Connection connect() throws IOException;
    }

    /** A connection to an ssh agent. One thread reads and one writes; either may close it. */
    interface Connection extends Closeable {
        /** As many bytes as there are, at least one; below 0 where nothing more comes. */
        int read(byte[] bytes) throws IOException;

        void write(byte[] bytes, int length) throws IOException;
    }
}
