package dev.wharf.cli;

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
}
