package dev.wharf.launch;

/** The command line is fine, but this host or this folder does not let the daemon start; the message says why. */
final class CannotStart extends Exception {
    private static final long serialVersionUID = 1;

    CannotStart(String message) {
        super(message);
    }

    CannotStart(String message, Throwable cause) {
        super(message, cause);
    }
}
