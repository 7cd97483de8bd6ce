package dev.wharf.core.journal;

import java.io.IOException;

/** There is no space for a batch. Nothing of it was written; the same append succeeds once there is space. */
public final class JournalFullException extends IOException {
    private static final long serialVersionUID = 1L;

    public JournalFullException(String message, Throwable cause) {
        super(message, cause);
    }
}
