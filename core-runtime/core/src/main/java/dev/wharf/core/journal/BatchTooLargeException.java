package dev.wharf.core.journal;

import java.io.IOException;

/** A batch has more bytes than the journal takes in one. Nothing of it was written; its events fit into several. */
public final class BatchTooLargeException extends IOException {
    private static final long serialVersionUID = 1L;

    public BatchTooLargeException(String message) {
        super(message);
    }
}
