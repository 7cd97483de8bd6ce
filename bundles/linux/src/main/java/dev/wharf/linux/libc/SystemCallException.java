package dev.wharf.linux.libc;

import java.nio.file.FileSystemException;

/** A failed call that Java has no exception of its own for. */
public final class SystemCallException extends FileSystemException {
    private static final long serialVersionUID = 1L;

    private final int errno;

    SystemCallException(int errno, String file, String reason) {
        super(file, null, reason);
        this.errno = errno;
    }

    public int errno() {
        return errno;
    }
}
