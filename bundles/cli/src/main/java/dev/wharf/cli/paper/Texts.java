package dev.wharf.cli.paper;

import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Texts of commands as picocli keeps them. */
final class Texts {
    private Texts() {}

    /** Lines with their breaks and percent signs as a reader sees them. */
    static String lines(String... text) {
        return Stream.of(text)
                .map(line -> line.replace("%n", "\n").replace("%%", "%"))
                .collect(Collectors.joining("\n"));
    }

    /** The same as one line. */
    static String plain(String... text) {
        return lines(text).replaceAll("\\s+", " ").strip();
    }
}
