package dev.wharf.linux.net;

import dev.wharf.linux.libc.Errno;
import dev.wharf.linux.libc.LibC;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.kernel.Diversions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/**
 * Writes port numbers anew on their way out, by four rules of nf_tables in the sandbox. They hold no state: translation
 * would make the kernel track every connection of the container. The transaction is put together here, for a context of
 * libnftables costs more than a millisecond in each new namespace, and there is one lock for all of them.
 */
@Component(service = Diversions.class)
public final class LinuxDiversions implements Diversions {
    private static final String TABLE = "wharf-dns";
    private static final String CHAIN = "out";

    private static final int AF_INET = 2;
    private static final int IPPROTO_TCP = 6;
    private static final int IPPROTO_UDP = 17;

    /** Where things stand in packets: source and destination in IPv4's header, ports, checksums. */
    private static final int SOURCE = 12;

    private static final int DESTINATION = 16;
    private static final int SOURCE_PORT = 0;
    private static final int DESTINATION_PORT = 2;
    private static final int UDP_CHECKSUM = 6;
    private static final int TCP_CHECKSUM = 16;

    private final HomeNetwork home;

    @Activate
    public LinuxDiversions(@Reference HomeNetwork home) {
        this.home = home;
    }

    @Override
    public void divert(Path sandbox, String address, int port, int udp, int tcp) throws DriverException {
        byte[] from = Address.parse(address).bytes();
        if (!Files.exists(sandbox)) {
            throw DriverException.failure(Failure.Kind.MISSING, "no sandbox " + sandbox);
        }
        HomeNetwork.attempt(
                "lead " + address + ":" + port + " elsewhere",
                () -> home.inSandbox(sandbox, () -> {
                    try {
                        batch(false, from, port, udp, tcp).send();
                    } catch (NetlinkException e) {
                        if (e.errno() != Errno.EEXIST) {
                            throw e;
                        }
                        batch(true, from, port, udp, tcp).send();
                    }
                    return address;
                }));
    }

    /**
     * @param again whether an older table is replaced. Taking one away has the kernel wait for all its processors, some ten
     *     milliseconds, and a new sandbox has none.
     */
    private static Batch batch(boolean again, byte[] from, int port, int udp, int tcp) {
        Batch batch = new Batch();
        if (again) {
            batch.table(Batch.NEW_TABLE, 0).table(Batch.DELETE_TABLE, 0);
        }
        batch.table(Batch.NEW_TABLE, Batch.EXCLUSIVE);
        batch.chain();
        batch.rule(rule(DESTINATION, from, IPPROTO_UDP, DESTINATION_PORT, port, udp, UDP_CHECKSUM), false);
        batch.rule(rule(DESTINATION, from, IPPROTO_TCP, DESTINATION_PORT, port, tcp, TCP_CHECKSUM), false);
        batch.rule(rule(SOURCE, from, IPPROTO_UDP, SOURCE_PORT, udp, port, UDP_CHECKSUM), false);
        batch.rule(rule(SOURCE, from, IPPROTO_TCP, SOURCE_PORT, tcp, port, TCP_CHECKSUM), true);
        return batch;
    }

    /** Packets of a protocol that have {@code address} and {@code port} at these places get another port there. */
    private static Consumer<Attributes> rule(
            int side, byte[] address, int protocol, int portAt, int port, int other, int checksum) {
        return expressions -> expressions
                .load(1, side, 4)
                .equal(address)
                .protocol()
                .equal(new byte[] {(byte) protocol})
                .load(2, portAt, 2)
                .equal(bytes(port))
                .write(portAt, bytes(other), checksum);
    }

    private static byte[] bytes(int port) {
        return new byte[] {(byte) (port >> 8), (byte) port};
    }

    /** A transaction (linux/netfilter/nfnetlink.h): a beginning, messages, an end. */
    private static final class Batch {
        static final int NEW_TABLE = 0;
        static final int DELETE_TABLE = 2;
        static final int EXCLUSIVE = 0x200;
        private static final int NEW_CHAIN = 3;
        private static final int NEW_RULE = 6;

        private static final int AF_NETLINK = 16;
        private static final int SOCK_RAW_CLOEXEC = 3 | LibC.O_CLOEXEC;
        private static final int NETLINK_NETFILTER = 12;
        private static final int NFTABLES = 10;
        private static final int BEGIN = 16;
        private static final int END = 17;
        private static final int NLMSG_ERROR = 2;
        private static final int REQUEST = 1;
        private static final int ACK = 4;
        private static final int CREATE = 0x400;
        private static final int APPEND = 0x800;
        private static final int MSG_DONTWAIT = 0x40;
        private static final int LOCAL_OUT = 3;
        private static final int MANGLE = -150;
        private static final int ACCEPT = 1;

        private final ByteBuffer bytes = ByteBuffer.allocateDirect(4096).order(ByteOrder.nativeOrder());
        private int sequence;

        Batch() {
            message(BEGIN, REQUEST, 0, NFTABLES, a -> {});
        }

        Batch table(int what, int flags) {
            message(
                    NFTABLES << 8 | what,
                    REQUEST | flags | (what == NEW_TABLE ? CREATE : 0),
                    AF_INET,
                    0,
                    a -> a.text(1, TABLE));
            return this;
        }

        void chain() {
            message(
                    NFTABLES << 8 | NEW_CHAIN,
                    REQUEST | CREATE,
                    AF_INET,
                    0,
                    a -> a.text(1, TABLE)
                            .text(3, CHAIN)
                            .nest(4, hook -> hook.number(1, LOCAL_OUT).number(2, MANGLE))
                            .number(5, ACCEPT)
                            .text(7, "filter"));
        }

        void rule(Consumer<Attributes> expressions, boolean last) {
            message(
                    NFTABLES << 8 | NEW_RULE,
                    REQUEST | CREATE | APPEND | (last ? ACK : 0),
                    AF_INET,
                    0,
                    a -> a.text(1, TABLE).text(2, CHAIN).nest(4, expressions));
        }

        private void message(int type, int flags, int family, int resource, Consumer<Attributes> content) {
            int start = bytes.position();
            bytes.putInt(0)
                    .putShort((short) type)
                    .putShort((short) flags)
                    .putInt(++sequence)
                    .putInt(0);
            bytes.put((byte) family).put((byte) 0).put((byte) (resource >> 8)).put((byte) resource);
            content.accept(new Attributes(bytes));
            bytes.putInt(start, bytes.position() - start);
        }

        /** The kernel has done it, and said all it has to say, when the call that sends returns. */
        void send() throws IOException {
            int acknowledged = sequence;
            message(END, REQUEST, 0, NFTABLES, a -> {});
            LibC libc = LibC.get();
            int fd = Errno.check(libc.socket(AF_NETLINK, SOCK_RAW_CLOEXEC, NETLINK_NETFILTER), "socket", "nfnetlink");
            try {
                bytes.flip();
                Errno.check((int) libc.send(fd, bytes, bytes.remaining(), 0), "send", "nfnetlink");
                boolean done = false;
                ByteBuffer answer = ByteBuffer.allocateDirect(8192).order(ByteOrder.nativeOrder());
                for (long length; (length = libc.recv(fd, answer, answer.capacity(), MSG_DONTWAIT)) > 0; ) {
                    for (int at = 0; at + 20 <= length; at += (answer.getInt(at) + 3) & ~3) {
                        int errno = -answer.getInt(at + 16);
                        if (answer.getShort(at + 4) == NLMSG_ERROR && errno != 0) {
                            throw new NetlinkException(errno, "write rules in a sandbox", "");
                        }
                        done |= answer.getInt(at + 8) == acknowledged;
                    }
                }
                if (!done) {
                    throw new NetlinkException(LibC.errno(), "write rules in a sandbox", "no answer");
                }
            } finally {
                libc.close(fd);
            }
        }
    }

    /** Attributes of nf_tables: numbers are big-endian; an expression is an element of a list: a name and its data. */
    private record Attributes(ByteBuffer bytes) {
        private static final int NESTED = 0x8000;
        private static final int REGISTER = 1;
        private static final int L4PROTO = 16;
        private static final int NETWORK = 1;
        private static final int TRANSPORT = 2;
        private static final int INTERNET_CHECKSUM = 1;

        Attributes raw(int type, byte[] value) {
            bytes.putShort((short) (4 + value.length)).putShort((short) type).put(value);
            while (bytes.position() % 4 != 0) {
                bytes.put((byte) 0);
            }
            return this;
        }

        Attributes text(int type, String value) {
            return raw(type, (value + "\0").getBytes(java.nio.charset.StandardCharsets.US_ASCII));
        }

        Attributes number(int type, int value) {
            return raw(type, ByteBuffer.allocate(4).putInt(value).array());
        }

        Attributes nest(int type, Consumer<Attributes> content) {
            int start = bytes.position();
            bytes.putShort((short) 0).putShort((short) (type | NESTED));
            content.accept(this);
            bytes.putShort(start, (short) (bytes.position() - start));
            return this;
        }

        private Attributes expression(String name, Consumer<Attributes> data) {
            return nest(1, element -> element.text(1, name).nest(2, data));
        }

        Attributes load(int base, int offset, int length) {
            return expression(
                    "payload",
                    d -> d.number(1, REGISTER)
                            .number(2, base == NETWORK ? NETWORK : TRANSPORT)
                            .number(3, offset)
                            .number(4, length));
        }

        Attributes protocol() {
            return expression("meta", d -> d.number(1, REGISTER).number(2, L4PROTO));
        }

        Attributes equal(byte[] value) {
            return expression("cmp", d -> d.number(1, REGISTER).number(2, 0).nest(3, data -> data.raw(1, value)));
        }

        Attributes write(int offset, byte[] value, int checksumAt) {
            expression("immediate", d -> d.number(1, REGISTER).nest(2, data -> data.raw(1, value)));
            return expression(
                    "payload",
                    d -> d.number(2, TRANSPORT)
                            .number(3, offset)
                            .number(4, value.length)
                            .number(5, REGISTER)
                            .number(6, INTERNET_CHECKSUM)
                            .number(7, checksumAt));
        }
    }
}
