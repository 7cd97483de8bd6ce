package dev.wharf.build.run;

import java.util.List;
import java.util.Optional;

/** A build that ends without an image; the message is for whoever asked for it. */
public final class BuildException extends Exception {
    private static final long serialVersionUID = 1L;

    private final String command;
    private final int code;

    public BuildException(String message) {
        this(message, "", 0);
    }

    private BuildException(String message, String command, int code) {
        super(message, null, false, false);
        this.command = command;
        this.code = code;
    }

    /** A RUN ended with another code than 0. */
    static BuildException ended(List<String> command, int code) {
        String words = String.join(" ", command);
        return new BuildException("The command '" + words + "' returned a non-zero code: " + code, words, code);
    }

    /** What a RUN ended with; 0 where none is to blame. */
    public int code() {
        return code;
    }

    /** The RUN that is to blame; empty where none is. */
    public Optional<String> command() {
        return code == 0 ? Optional.empty() : Optional.of(command);
    }
}
