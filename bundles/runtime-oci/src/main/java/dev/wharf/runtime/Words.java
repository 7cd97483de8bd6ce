package dev.wharf.runtime;

import com.fasterxml.jackson.databind.JsonNode;
import dev.wharf.spi.Failure.Kind;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads what runtimes say. Docker's clients find exit codes 126 and 127 by looking for certain words in a start's error, and
 * runtimes write these words each in its own way.
 */
final class Words {
    private static final Pattern NO_PROGRAM = Pattern.compile("executable file `([^`]*)` not found in \\$PATH.*");
    private static final Pattern NO_DIRECTORY = Pattern.compile("chdir(?: to)? `([^`]*)`(?: failed)?: (.*)");

    /** How many files a runtime has open at once: the namespaces, and one for each hierarchy and mount; 28 were seen. */
    private static final long ENOUGH_FILES = 64;

    private Words() {}

    /**
     * What crun says of a {@code program} that cannot be run, as runc says it: people and their scripts know it by heart. Other
     * words stay as they are, with those after them that clients look for, where they are not there letter by letter.
     */
    static String canonical(String words, String program) {
        Matcher missing = NO_PROGRAM.matcher(words);
        if (missing.matches()) {
            return missingProgram(missing.group(1));
        }
        Matcher chdir = NO_DIRECTORY.matcher(words);
        if (chdir.matches()) {
            return missingDirectory(chdir.group(1), chdir.group(2));
        }
        if (!words.startsWith("open executable: ")) {
            return completed(words);
        }
        return words.toLowerCase(Locale.ROOT).contains("not a directory")
                ? start("exec: \"" + program + "\": stat " + program + ": not a directory")
                : forbiddenProgram(program);
    }

    static String missingProgram(String program) {
        return start("exec: \"" + program + "\": "
                + (program.indexOf('/') >= 0
                        ? "stat " + program + ": no such file or directory"
                        : "executable file not found in $PATH"));
    }

    static String forbiddenProgram(String program) {
        return start("exec: \"" + program + "\": permission denied");
    }

    static String missingDirectory(String directory, String why) {
        return start("chdir to cwd (\"" + directory + "\") set in config.json failed: " + why.toLowerCase(Locale.ROOT));
    }

    private static String start(String why) {
        return "unable to start container process: " + why + ": unknown";
    }

    private static String completed(String words) {
        String lower = words.toLowerCase(Locale.ROOT);
        StringBuilder text = new StringBuilder(words);
        if (lower.contains("executable file")
                && lower.contains("not found")
                && !words.contains("executable file not found")) {
            text.append(": executable file not found in $PATH");
        }
        for (String known : new String[] {"no such file or directory", "permission denied", "is a directory"}) {
            if (lower.contains(known) && !words.contains(known)) {
                text.append(": ").append(known);
            }
        }
        if (lower.contains("mount") && lower.contains("not a directory")) {
            text.append(
                    ": Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host path"
                            + " exists and is the expected type");
        }
        return text.toString();
    }

    /**
     * The limit that a runtime has most likely come up against itself. It takes on those of the process before it is done, and
     * then tells of whichever file was one too many.
     */
    static Optional<String> tooFewFiles(JsonNode process) {
        for (JsonNode limit : process.path("rlimits")) {
            long soft = limit.path("soft").asLong();
            if (limit.path("type").asText().equals("RLIMIT_NOFILE") && soft < ENOUGH_FILES) {
                return Optional.of(
                        "ulimit nofile=" + soft + " is too low for the runtime, which the limit holds for as well");
            }
        }
        return Optional.empty();
    }

    /** What crun says of a directory where a program should be. */
    private static boolean isNoProgram(String lower) {
        return lower.contains("open executable: operation not permitted");
    }

    static Kind kind(String words) {
        String lower = words.toLowerCase(Locale.ROOT);
        if (lower.contains("no space left on device") || lower.contains("cannot allocate memory")) {
            return Kind.EXHAUSTED;
        }
        if (lower.contains("not found")
                || lower.contains("no such file or directory")
                || lower.contains("permission denied")
                || lower.contains("is a directory")
                || lower.contains("not a directory")
                || lower.contains("exec format error")
                || lower.contains("invalid argument")
                || isNoProgram(lower)) {
            return Kind.INVALID;
        }
        return lower.contains("resource busy") ? Kind.BUSY : Kind.FAILED;
    }
}
