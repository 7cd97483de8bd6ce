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
        /** It is there, whether it was sent now or not. */
        SENT,
        /** It is there, and came from another repository of the same registry. */
        MOUNTED,
        UNPACKING,
        UNPACKED,
        RETRYING;

        /** Whether it goes to one place, while what comes here comes for everybody who waits for it. */
        public boolean isOutgoing() {
            return this == SENDING || this == SENT || this == MOUNTED;
        }
    }
}
