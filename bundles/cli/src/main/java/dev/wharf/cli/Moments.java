package dev.wharf.cli;

import java.time.Instant;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** Moments on the command line: positions and times, in the words the API takes. */
final class Moments {
    /** How a moment may be written, for help texts. */
    static final String FORMS = "a position or a time: 1041, 10:30, 15m (ago), 1777631400, 2026-05-01T10:30:00Z";

    private Moments() {}

    static String place(String option, String text, CommandSpec spec) {
        return Times.local()
                .placeOf(text, Instant.now())
                .orElseThrow(() -> new ParameterException(
                        spec.commandLine(),
                        option + " " + text + ": expected a position such as 1041, or a time such as 10:30, 15m,"
                                + " 1777631400 or 2026-05-01T10:30:00Z"));
    }

    /** The same for an option that may be left out. */
    static String placeIfAny(String option, String text, CommandSpec spec) {
        return text.isEmpty() ? "" : place(option, text, spec);
    }
}
