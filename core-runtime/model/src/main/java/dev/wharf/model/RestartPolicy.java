package dev.wharf.model;

/**
 * Whether a container that ended is started again.
 *
 * @param maximumRetries for {@link Kind#ON_FAILURE} how often at most, 0 meaning without end
 */
public record RestartPolicy(Kind kind, int maximumRetries) {
    public static final RestartPolicy NO = new RestartPolicy(Kind.NO, 0);

    /** The four policies of Docker. */
    public enum Kind {
        NO,
        ALWAYS,
        UNLESS_STOPPED,
        ON_FAILURE
    }

    /** Whether an exit with {@code code} after {@code restarts} restarts in a row is followed by another start. */
    public boolean restarts(int code, int restarts) {
        return switch (kind) {
            case NO -> false;
            case ALWAYS, UNLESS_STOPPED -> true;
            case ON_FAILURE -> code != 0 && (maximumRetries == 0 || restarts < maximumRetries);
        };
    }
}
