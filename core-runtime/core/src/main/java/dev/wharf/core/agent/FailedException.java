package dev.wharf.core.agent;

import dev.wharf.spi.Failure;

/** A command was granted and could not be carried out; carries why. */
public final class FailedException extends Exception {
    private static final long serialVersionUID = 1L;

    private final transient Failure failure;

    public FailedException(Failure failure) {
        super(failure.message(), null, false, false);
        this.failure = failure;
    }

    public Failure failure() {
        return failure;
    }
}
