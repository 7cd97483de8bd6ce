package dev.wharf.linux.net;

import dev.wharf.linux.libc.CString;
import dev.wharf.linux.libc.Errno;
import dev.wharf.linux.libc.LibC;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A conversation with rtnetlink(7), or with another family of netlink(7). Belongs to the network namespace of the thread that opened it, wherever it is used
 * later; one thread at a time.
 */
final class Netlink implements AutoCloseable {
    private static final int AF_NETLINK = 16;
    private static final int SOCK_RAW_CLOEXEC = 3 | LibC.O_CLOEXEC;
    private static final int NETLINK_NETFILTER = 12;
    private static final int NETLINK_GENERIC = 16;
    private static final int SOL_NETLINK = 270;
    private static final int NETLINK_CAP_ACK = 10;
    private static final int NETLINK_EXT_ACK = 11;
    private static final int NLMSG_ERROR = 2;
    private static final int NLMSG_DONE = 3;
    private static final int NLM_F_ACK_TLVS = 0x200;
    private static final int NLM_F_DUMP_INTR = 0x10;
    private static final int MESSAGE_TEXT = 1;
    /** The kernel fills a dump's datagrams up to 32 KiB when the reader has room for it. */
    private static final int ROOM = 64 * 1024;

    private final LibC libc = LibC.get();
    private final int fd;
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(ROOM).order(ByteOrder.nativeOrder());
    private int sequence;

    Netlink() throws IOException {
        this(0, "rtnetlink");
    }

    private Netlink(int protocol, String name) throws IOException {
        fd = Errno.check(libc.socket(AF_NETLINK, SOCK_RAW_CLOEXEC, protocol), "socket", name);
        // Errors come with the kernel's own words, and without the request they answer.
        libc.setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, new int[] {1}, 4);
        libc.setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, new int[] {1}, 4);
    }

    /** With whoever has a family of its own in the kernel, without a number that is known beforehand. */
    static Netlink generic() throws IOException {
        return new Netlink(NETLINK_GENERIC, "generic netlink");
    }

    /** With the packet filter and its tracking of flows. */
    static Netlink netfilter() throws IOException {
        return new Netlink(NETLINK_NETFILTER, "netfilter netlink");
    }

    /**
     * Sends all in one go; the kernel carries them out in order, those after a failed one as well. Fails with the first
     * error that its request does not tolerate.
     */
    void run(List<Request> requests) throws NetlinkException {
        int first = send(requests);
        List<NetlinkException> failures = new ArrayList<>();
        int[] answered = {0};
        while (answered[0] < requests.size()) {
            receive((type, flags, seq, message) -> {
                if (type != NLMSG_ERROR || seq - first < 0) {
                    return;
                }
                answered[0]++;
                Request request = requests.get(seq - first);
                error(request, flags, message)
                        .filter(e -> !request.tolerates(e.errno()))
                        .ifPresent(failures::add);
            });
        }
        if (!failures.isEmpty()) {
            throw failures.get(0);
        }
    }

    void run(Request... requests) throws NetlinkException {
        run(List.of(requests));
    }

    /** The payload of the one answer, or empty where the object is not there. */
    Optional<ByteBuffer> find(Request question) throws NetlinkException {
        try {
            return ask(question, false).stream().findFirst();
        } catch (NetlinkException e) {
            if (e.errno() == Errno.ENODEV) {
                return Optional.empty();
            }
            throw e;
        }
    }

    /** The payloads of every object. A dump that changes interrupted is asked for again. */
    List<ByteBuffer> dump(Request question) throws NetlinkException {
        for (int tries = 0; ; tries++) {
            try {
                return ask(question, true);
            } catch (NetlinkException e) {
                if (e.errno() != Errno.EINTR || tries >= 20) {
                    throw e;
                }
            }
        }
    }

    private List<ByteBuffer> ask(Request question, boolean many) throws NetlinkException {
        int first = send(List.of(question));
        List<ByteBuffer> answers = new ArrayList<>();
        boolean[] state = {false, false};
        NetlinkException[] failure = new NetlinkException[1];
        while (!state[0]) {
            receive((type, flags, seq, message) -> {
                if (seq != first) {
                    return;
                }
                state[1] |= (flags & NLM_F_DUMP_INTR) != 0;
                if (type == NLMSG_DONE) {
                    state[0] = true;
                } else if (type == NLMSG_ERROR) {
                    failure[0] = error(question, flags, message).orElse(null);
                    state[0] = true;
                } else {
                    answers.add(copy(message));
                    state[0] |= !many;
                }
            });
        }
        if (failure[0] != null) {
            throw failure[0];
        }
        if (state[1]) {
            throw new NetlinkException(Errno.EINTR, question.purpose(), "changed meanwhile");
        }
        return answers;
    }

    private int send(List<Request> requests) throws NetlinkException {
        int first = sequence + 1;
        buffer.clear();
        for (Request request : requests) {
            request.writeTo(buffer, ++sequence);
        }
        buffer.flip();
        if (libc.send(fd, buffer, buffer.remaining(), 0) < 0) {
            throw new NetlinkException(LibC.errno(), requests.get(0).purpose(), "");
        }
        return first;
    }

    private void receive(Answer answer) throws NetlinkException {
        buffer.clear();
        long length;
        do {
            length = libc.recv(fd, buffer, buffer.capacity(), 0);
        } while (length < 0 && LibC.errno() == Errno.EINTR);
        if (length < 0) {
            throw new NetlinkException(LibC.errno(), "listen to netlink", "");
        }
        for (int at = 0; at + Request.HEADER <= length; ) {
            int size = buffer.getInt(at);
            ByteBuffer message =
                    buffer.slice(at + Request.HEADER, size - Request.HEADER).order(ByteOrder.nativeOrder());
            int type = Short.toUnsignedInt(buffer.getShort(at + 4));
            int flags = Short.toUnsignedInt(buffer.getShort(at + 6));
            answer.message(type, flags, buffer.getInt(at + 8), message);
            at += (size + 3) & ~3;
        }
    }

    /** struct nlmsgerr: the negated error, the header it answers, and perhaps the kernel's words; empty for success. */
    private static Optional<NetlinkException> error(Request request, int flags, ByteBuffer message) {
        int errno = -message.getInt(0);
        if (errno == 0) {
            return Optional.empty();
        }
        String words = "";
        if ((flags & NLM_F_ACK_TLVS) != 0 && message.limit() > 20) {
            Attributes attributes = new Attributes(message, 20);
            words = attributes.find(MESSAGE_TEXT).map(Attributes::text).orElse("");
        }
        return Optional.of(new NetlinkException(errno, request.purpose(), words));
    }

    private static ByteBuffer copy(ByteBuffer message) {
        byte[] bytes = new byte[message.remaining()];
        message.get(bytes);
        return ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
    }

    @Override
    public void close() {
        libc.close(fd);
    }

    private interface Answer {
        void message(int type, int flags, int sequence, ByteBuffer message);
    }

    /** Reads attributes of a message. */
    record Attributes(ByteBuffer message, int start) {
        private static final int TYPE_MASK = 0x3fff;

        Optional<ByteBuffer> find(int type) {
            for (int at = start; at + 4 <= message.limit(); ) {
                int size = Short.toUnsignedInt(message.getShort(at));
                if (size < 4 || at + size > message.limit()) {
                    break;
                }
                if ((Short.toUnsignedInt(message.getShort(at + 2)) & TYPE_MASK) == type) {
                    return Optional.of(message.slice(at + 4, size - 4).order(ByteOrder.nativeOrder()));
                }
                at += (size + 3) & ~3;
            }
            return Optional.empty();
        }

        /** The values of every attribute, whatever its type: the elements of a list. */
        List<ByteBuffer> all() {
            List<ByteBuffer> found = new ArrayList<>();
            for (int at = start; at + 4 <= message.limit(); ) {
                int size = Short.toUnsignedInt(message.getShort(at));
                if (size < 4 || at + size > message.limit()) {
                    break;
                }
                found.add(message.slice(at + 4, size - 4).order(ByteOrder.nativeOrder()));
                at += (size + 3) & ~3;
            }
            return found;
        }

        static String text(ByteBuffer value) {
            byte[] bytes = new byte[value.remaining()];
            value.duplicate().get(bytes);
            return CString.text(bytes);
        }
    }
}
