package dev.wharf.oci.layer;

import java.io.IOException;

/** A tar is damaged, asks for what must not be, or is larger than allowed. The message is a sentence for people. */
public final class LayerException extends IOException {
    private static final long serialVersionUID = 1L;

    public LayerException(String message) {
        super(message);
    }
}
