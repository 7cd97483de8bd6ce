package dev.wharf.runtime;

import dev.wharf.spi.Failure.Kind;
import java.util.Locale;

/**
 * Reads what runtimes say. Docker's clients find exit codes 126 and 127 by looking for certain words in a start's error, and
 * runtimes write these words each in its own way.
 */
final class Words {
    private Words() {}

    /** The same words, and after them the ones that clients look for, where they are not there letter by letter. */
    static String canonical(String words) {
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
        if (isNoProgram(lower)) {
            text.append(": permission denied");
        }
        return text.toString();
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
                || lower.contains("exec format error")
                || lower.contains("invalid argument")
                || isNoProgram(lower)) {
            return Kind.INVALID;
        }
        return lower.contains("resource busy") ? Kind.BUSY : Kind.FAILED;
    }
}
