package dev.wharf.oci.image;

import java.io.IOException;

/** Says that a document is not what it should be: malformed, ambiguous, too big, or of a kind that we do not read. */
public class DocumentException extends IOException {
    private static final long serialVersionUID = 1L;

    public DocumentException(String message) {
        super(message);
    }

    public DocumentException(String message, Throwable cause) {
        super(message, cause);
    }
}
