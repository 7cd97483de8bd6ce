package dev.wharf.linux.net;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.linux.libc.LibC;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Where datagrams of a test come in. */
public final class Mailbox {
    private static final LibC LIBC = LibC.get();

    private Mailbox() {}

    /** A datagram socket bound to {@code name}, with its zero, as struct sockaddr_un has it (unix(7)). */
    public static int open(byte[] name) {
        byte[] address = ByteBuffer.allocate(2 + name.length)
                .order(ByteOrder.nativeOrder())
                .putShort((short) 1)
                .put(name)
                .array();
        int fd = LIBC.socket(1, 2, 0);
        assertThat(LIBC.bind(fd, address, address.length)).isZero();
        return fd;
    }
}
