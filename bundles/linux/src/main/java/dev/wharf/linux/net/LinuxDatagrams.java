package dev.wharf.linux.net;

import dev.wharf.linux.libc.Errno;
import dev.wharf.linux.libc.LibC;
import dev.wharf.spi.kernel.Datagrams;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import org.osgi.service.component.annotations.Component;

/** Unix datagram sockets (unix(7)), one for each message. Holds no state. */
@Component(service = Datagrams.class)
public final class LinuxDatagrams implements Datagrams {
    private static final short AF_UNIX = 1;
    private static final int SOCK_DGRAM = 2;
    private static final int SOCK_CLOEXEC = 02000000;
    private static final int MSG_NOSIGNAL = 0x4000;

    /** Room for a path in sockaddr_un. */
    private static final int PATH_BYTES = 108;

    private final LibC libc = LibC.get();

    @Override
    public void send(String address, byte[] message) throws IOException {
        byte[] to = sockaddr(address);
        int fd = Errno.check(libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket", address);
        try {
            Errno.check(libc.connect(fd, to, to.length), "connect", address);
            ByteBuffer bytes =
                    ByteBuffer.allocateDirect(message.length).put(message).flip();
            Errno.check(libc.send(fd, bytes, message.length, MSG_NOSIGNAL), "send", address);
        } finally {
            libc.close(fd);
        }
    }

    /** A path ends with a zero byte; an abstract name begins with one and ends where the address does. */
    private static byte[] sockaddr(String address) throws IOException {
        boolean isAbstract = address.startsWith("@");
        byte[] name = address.getBytes(StandardCharsets.UTF_8);
        if (!isAbstract && !address.startsWith("/") || name.length >= PATH_BYTES) {
            throw new IOException("no address of a unix socket: " + address);
        }
        if (isAbstract) {
            name[0] = 0;
        }
        return ByteBuffer.allocate(2 + name.length + (isAbstract ? 0 : 1))
                .order(ByteOrder.nativeOrder())
                .putShort(AF_UNIX)
                .put(name)
                .array();
    }
}
