package dev.wharf.model;

/**
 * How far one piece of work is.
 *
 * @param total the whole in bytes, 0 where unknown
 */
public record Progress(Kind kind, Digest content, long done, long total) {
    /** What is going on. */
    public enum Kind {
        FETCHING,
        FETCHED,
        SENDING,
        UNPACKING,
        UNPACKED,
        RETRYING
    }
}
