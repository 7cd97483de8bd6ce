package dev.wharf.core.command;

/**
 * An answer, not an accident: why a wish is not granted.
 *
 * @param message a sentence that names the thing and what would help
 */
public record Refusal(Kind kind, String message) {
    /** What a front needs to tell apart. */
    public enum Kind {
        /** The wish makes no sense as it is written. */
        INVALID,
        /** What it speaks of is not there. */
        MISSING,
        /** It stands against something that is so. */
        CONFLICT,
        /** An address or a port is held by something else. */
        TAKEN,
        /** What it needs of others is not so now, which Docker tells as a fault of its own. */
        UNMET,
        /** It is so already. */
        UNCHANGED,
        /** It is not for anybody to wish. */
        FORBIDDEN,
        /** This house does not do it. */
        UNSUPPORTED,
        /** Not now: the journal cannot be written, or too much is waiting. */
        UNAVAILABLE
    }
}
