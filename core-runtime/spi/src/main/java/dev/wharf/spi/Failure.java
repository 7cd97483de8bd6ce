package dev.wharf.spi;

import java.util.Locale;

/**
 * Why an effect did not work, for plans and for people.
 *
 * @param message a sentence without a final period: the thing, what was tried, what would help
 */
public record Failure(Kind kind, String message) {
    /** What a plan needs to tell apart. */
    public enum Kind {
        /** What was asked for is not there. */
        MISSING,
        /** The name, address or port is taken by something else. */
        EXISTS,
        /** In use now; trying later may help. */
        BUSY,
        /** Asked for something that cannot be, such as a program that is not in the image. */
        INVALID,
        /** This host or this driver cannot do it. */
        UNSUPPORTED,
        /** Nobody is there to do it now. */
        UNAVAILABLE,
        /** The other side asked who we are and did not like the answer. */
        UNAUTHORISED,
        /** No space, no quota, no memory. */
        EXHAUSTED,
        /** The data is not what it says it is. */
        CORRUPT,
        /** Anything else. */
        FAILED
    }

    /** The code of a program whose start failed so: 126 where it cannot be run, 127 where it is not there, 128 for all else. */
    public int exitCode() {
        String text = message.toLowerCase(Locale.ROOT);
        if (text.contains("permission denied") || text.contains("is a directory")) {
            return 126;
        }
        boolean missing = text.contains("not a directory")
                || text.contains("executable file not found")
                || text.contains("no such file or directory");
        return missing ? 127 : 128;
    }

    @Override
    public String toString() {
        return message;
    }
}
