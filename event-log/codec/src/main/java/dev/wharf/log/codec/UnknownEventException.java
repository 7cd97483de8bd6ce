package dev.wharf.log.codec;

import java.io.IOException;

/** The journal holds an event that this Wharf does not know, so it may not go on as if it did. */
public final class UnknownEventException extends IOException {
    private static final long serialVersionUID = 1L;

    public UnknownEventException(String message) {
        super(message);
    }
}
