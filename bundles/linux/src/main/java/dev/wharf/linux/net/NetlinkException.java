package dev.wharf.linux.net;

import dev.wharf.linux.libc.Errno;
import java.io.IOException;

/** What rtnetlink did not like. */
final class NetlinkException extends IOException {
    private static final long serialVersionUID = 1L;

    private final int errno;

    NetlinkException(int errno, String purpose, String words) {
        super("cannot " + purpose + ": " + Errno.text(errno) + (words.isEmpty() ? "" : " (" + words + ")"));
        this.errno = errno;
    }

    int errno() {
        return errno;
    }
}
