package dev.wharf.kafka;

import java.io.IOException;

/** A file that the settings name is of no use as it is. */
final class UnusableException extends IOException {
    private static final long serialVersionUID = 1;

    UnusableException(String message) {
        super(message);
    }
}
