package dev.wharf.engine.http;

/**
 * Ends a request with an error that the client shall see. Unchecked, so that a translation deep down can say what is wrong
 * with the request without every caller passing it on.
 */
public final class Problem extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int status;

    /** An error with an HTTP status, and a message that names the thing and what would help. */
    public Problem(int status, String message) {
        super(message, null, false, false);
        this.status = status;
    }

    /** The request makes no sense as it is written. */
    public static Problem invalid(String message) {
        return new Problem(400, message);
    }

    public static Problem missing(String message) {
        return new Problem(404, message);
    }

    public static Problem conflict(String message) {
        return new Problem(409, message);
    }

    /** Wharf does not do this. */
    public static Problem unsupported(String message) {
        return new Problem(501, message);
    }

    /** Not now. */
    public static Problem unavailable(String message) {
        return new Problem(503, message);
    }

    public int status() {
        return status;
    }

    public String message() {
        return String.valueOf(getMessage());
    }
}
