package dev.wharf.cli.doctor;

/**
 * One thing that was looked at.
 *
 * @param area what it is about, in a word
 * @param found how it is
 * @param mend what to do about it; empty where nothing need be done
 */
public record Finding(Level level, String area, String found, String mend) {
    /** How bad it is. */
    public enum Level {
        OK,
        /** Works, but not as well as it could, or not for long. */
        WARN,
        /** Containers cannot run, or not as they should. */
        BAD
    }

    static Finding ok(String area, String found) {
        return new Finding(Level.OK, area, found, "");
    }

    static Finding warn(String area, String found, String mend) {
        return new Finding(Level.WARN, area, found, mend);
    }

    static Finding bad(String area, String found, String mend) {
        return new Finding(Level.BAD, area, found, mend);
    }
}
