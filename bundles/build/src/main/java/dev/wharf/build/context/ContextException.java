package dev.wharf.build.context;

import java.io.IOException;

/** What is wrong with the files that a build wants to take, for the client to know. */
public final class ContextException extends IOException {
    private static final long serialVersionUID = 1L;

    public ContextException(String message) {
        super(message);
    }
}
