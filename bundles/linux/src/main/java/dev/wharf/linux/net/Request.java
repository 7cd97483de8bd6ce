package dev.wharf.linux.net;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Set;
import java.util.function.Consumer;

/**
 * One message to rtnetlink(7): a header, a fixed structure, attributes. Grows as it is filled.
 */
final class Request {
    static final int NLM_F_REQUEST = 0x01;
    static final int NLM_F_ACK = 0x04;
    static final int NLM_F_DUMP = 0x300;
    static final int NLM_F_REPLACE = 0x100;
    static final int NLM_F_EXCL = 0x200;
    static final int NLM_F_CREATE = 0x400;
    static final int NLM_F_APPEND = 0x800;

    static final int RTM_NEWLINK = 16;
    static final int RTM_DELLINK = 17;
    static final int RTM_GETLINK = 18;
    static final int RTM_SETLINK = 19;
    static final int RTM_NEWADDR = 20;
    static final int RTM_DELADDR = 21;
    static final int RTM_GETADDR = 22;
    static final int RTM_NEWROUTE = 24;
    static final int RTM_GETROUTE = 26;
    static final int RTM_NEWNEIGH = 28;
    static final int RTM_DELNEIGH = 29;
    static final int RTM_GETNEIGH = 30;

    static final int HEADER = 16;
    private static final int NLA_F_NESTED = 0x8000;

    private final String purpose;
    private final Set<Integer> tolerated;
    private ByteBuffer bytes = ByteBuffer.allocate(256).order(ByteOrder.nativeOrder());

    private Request(String purpose, int type, int flags, Set<Integer> tolerated) {
        this.purpose = purpose;
        this.tolerated = tolerated;
        bytes.putInt(0)
                .putShort((short) type)
                .putShort((short) (NLM_F_REQUEST | flags))
                .putInt(0)
                .putInt(0);
    }

    /** A message whose answer is an acknowledgement; errors in {@code tolerated} count as good ones. */
    static Request change(String purpose, int type, int flags, Integer... tolerated) {
        return new Request(purpose, type, NLM_F_ACK | flags, Set.of(tolerated));
    }

    /** A message whose answer is one object, or many with {@link #NLM_F_DUMP}. */
    static Request question(String purpose, int type, int flags) {
        return new Request(purpose, type, flags, Set.of());
    }

    /** struct ifinfomsg. */
    Request link(int family, int index, int flags, int change) {
        room(16);
        bytes.put((byte) family)
                .put((byte) 0)
                .putShort((short) 0)
                .putInt(index)
                .putInt(flags)
                .putInt(change);
        return this;
    }

    /** struct ifaddrmsg. */
    Request address(int family, int prefixLength, int flags, int scope, int index) {
        room(8);
        bytes.put((byte) family)
                .put((byte) prefixLength)
                .put((byte) flags)
                .put((byte) scope)
                .putInt(index);
        return this;
    }

    /** struct rtmsg of a unicast route in the main table. */
    Request route(int family, int destinationLength, int scope) {
        room(12);
        int table = 254;
        int protocolStatic = 4;
        int unicast = 1;
        bytes.put((byte) family).put((byte) destinationLength).put((byte) 0).put((byte) 0);
        bytes.put((byte) table)
                .put((byte) protocolStatic)
                .put((byte) scope)
                .put((byte) unicast)
                .putInt(0);
        return this;
    }

    /** struct ndmsg. */
    Request neighbour(int family, int index, int state, int flags) {
        room(12);
        bytes.put((byte) family)
                .put((byte) 0)
                .putShort((short) 0)
                .putInt(index)
                .putShort((short) state)
                .put((byte) flags)
                .put((byte) 0);
        return this;
    }

    /** struct nfgenmsg. */
    Request netfilter(int family) {
        room(4);
        bytes.put((byte) family).put((byte) 0).putShort((short) 0);
        return this;
    }

    /** struct genlmsghdr. */
    Request generic(int command, int version) {
        room(4);
        bytes.put((byte) command).put((byte) version).putShort((short) 0);
        return this;
    }

    Request attribute(int type, byte[] value) {
        room(4 + value.length + 3);
        bytes.putShort((short) (4 + value.length)).putShort((short) type).put(value);
        pad();
        return this;
    }

    Request attribute(int type, int value) {
        return attribute(
                type,
                ByteBuffer.allocate(4)
                        .order(ByteOrder.nativeOrder())
                        .putInt(value)
                        .array());
    }

    Request attribute(int type, short value) {
        return attribute(
                type,
                ByteBuffer.allocate(2)
                        .order(ByteOrder.nativeOrder())
                        .putShort(value)
                        .array());
    }

    Request attribute(int type, String value) {
        byte[] text = value.getBytes(StandardCharsets.UTF_8);
        return attribute(type, Arrays.copyOf(text, text.length + 1));
    }

    Request flag(int type, boolean value) {
        return attribute(type, new byte[] {(byte) (value ? 1 : 0)});
    }

    Request nest(int type, Consumer<Request> content) {
        room(4);
        int start = bytes.position();
        bytes.putShort((short) 0).putShort((short) (type | NLA_F_NESTED));
        content.accept(this);
        bytes.putShort(start, (short) (bytes.position() - start));
        return this;
    }

    String purpose() {
        return purpose;
    }

    boolean tolerates(int errno) {
        return tolerated.contains(errno);
    }

    int length() {
        return bytes.position();
    }

    /** Writes the finished message. */
    void writeTo(ByteBuffer out, int sequence) {
        bytes.putInt(0, bytes.position()).putInt(8, sequence);
        out.put(bytes.array(), 0, bytes.position());
    }

    private void pad() {
        while (bytes.position() % 4 != 0) {
            bytes.put((byte) 0);
        }
    }

    private void room(int more) {
        if (bytes.remaining() < more) {
            ByteBuffer larger =
                    ByteBuffer.allocate((bytes.capacity() + more) * 2).order(ByteOrder.nativeOrder());
            larger.put(bytes.flip());
            bytes = larger;
        }
    }
}
