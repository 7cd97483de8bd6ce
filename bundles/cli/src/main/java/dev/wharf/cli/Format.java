package dev.wharf.cli;

import java.io.IOException;
import picocli.CommandLine.Option;

/** How to answer: for people or for programs. */
final class Format {
    enum Kind {
        TABLE,
        JSON
    }

    @Option(names = "--format", paramLabel = "FORMAT", description = "table for people, json for programs (table)")
    private Kind kind = Kind.TABLE;

    boolean isJson() {
        return kind == Kind.JSON;
    }

    /** Writes an answer of the agent, as it came for programs and shown for people, and returns what it says. */
    Json write(Main main, String answer, Showing people) throws IOException {
        Json read = Json.read(answer);
        try (Output out = new Output(main.surroundings())) {
            if (isJson()) {
                out.line(answer.strip());
            } else {
                people.show(read, out);
            }
        }
        return read;
    }

    interface Showing {
        void show(Json answer, Output out) throws IOException;
    }
}
