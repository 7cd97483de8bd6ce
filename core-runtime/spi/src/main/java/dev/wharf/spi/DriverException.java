package dev.wharf.spi;

/** Says that an effect did not work. Checked, so that no step forgets that effects fail. */
public class DriverException extends Exception {
    private static final long serialVersionUID = 1L;

    private final Failure failure;

    public DriverException(Failure failure) {
        super(failure.toString());
        this.failure = failure;
    }

    public DriverException(Failure failure, Throwable cause) {
        super(failure.toString(), cause);
        this.failure = failure;
    }

    /** A failure in one line: what was tried, on which thing, and what would help. */
    public static DriverException failure(Failure.Kind kind, String message) {
        return new DriverException(new Failure(kind, message));
    }

    public static DriverException failure(Failure.Kind kind, String message, Throwable cause) {
        return new DriverException(new Failure(kind, message), cause);
    }

    public Failure failure() {
        return failure;
    }
}
