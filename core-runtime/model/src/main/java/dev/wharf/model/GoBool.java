package dev.wharf.model;

import java.util.Optional;

/** Truths as Docker's clients write them: what {@code strconv.ParseBool} of Go reads. */
public final class GoBool {
    private GoBool() {}

    /** Empty for what is neither. */
    public static Optional<Boolean> parse(String text) {
        return switch (text) {
            case "1", "t", "T", "TRUE", "true", "True" -> Optional.of(true);
            case "0", "f", "F", "FALSE", "false", "False" -> Optional.of(false);
            default -> Optional.empty();
        };
    }

    /** Whether it is said, and true. */
    public static boolean isTrue(String text) {
        return parse(text).orElse(false);
    }
}
