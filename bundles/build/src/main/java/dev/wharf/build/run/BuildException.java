package dev.wharf.build.run;

/** A build that ends without an image; the message is for whoever asked for it. */
public final class BuildException extends Exception {
    private static final long serialVersionUID = 1L;

    private final int code;

    public BuildException(String message) {
        this(message, 0);
    }

    /** @param code what a RUN ended with */
    public BuildException(String message, int code) {
        super(message, null, false, false);
        this.code = code;
    }

    /** What a RUN ended with; 0 where none is to blame. */
    public int code() {
        return code;
    }
}
