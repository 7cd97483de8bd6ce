package dev.wharf.launch;

/** The command line makes no sense; the message says which part, in one line. */
final class Misuse extends Exception {
    private static final long serialVersionUID = 1;

    Misuse(String message) {
        super(message);
    }
}
