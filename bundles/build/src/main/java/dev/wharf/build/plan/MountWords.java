package dev.wharf.build.plan;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/** What one {@code RUN --mount=} says, as it is written. */
public final class MountWords {
    /** The longest names of all that a mount can say. */
    public static final Set<String> ALL = Set.of(
            "type",
            "from",
            "source",
            "target",
            "readonly",
            "readwrite",
            "id",
            "sharing",
            "required",
            "size",
            "mode",
            "uid",
            "gid",
            "env");

    private MountWords() {}

    /** Values by the longest names of what they are; what has no value is {@code true}, and the last of the same name holds. */
    public static Map<String, String> of(String flag) {
        Map<String, String> words = new HashMap<>();
        for (String part : flag.split(",")) {
            String[] pair = part.split("=", 2);
            words.put(name(pair[0]), pair.length > 1 ? pair[1] : "true");
        }
        return words;
    }

    private static String name(String written) {
        return switch (written) {
            case "src" -> "source";
            case "dst", "destination" -> "target";
            case "ro" -> "readonly";
            case "rw" -> "readwrite";
            default -> written;
        };
    }
}
