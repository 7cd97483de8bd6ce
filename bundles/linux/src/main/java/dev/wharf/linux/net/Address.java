package dev.wharf.linux.net;

import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/** An IP address with the length of its network's prefix; a bare address has its full length. */
record Address(byte[] bytes, int prefixLength) {
    static final int AF_INET = 2;
    static final int AF_INET6 = 10;

    static Address parse(String text) throws DriverException {
        int slash = text.indexOf('/');
        String literal = slash < 0 ? text : text.substring(0, slash);
        // Only literals, or the JVM would ask a name server.
        if (!literal.matches("[0-9.]+|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*")) {
            throw DriverException.failure(Failure.Kind.INVALID, "invalid IP address " + text);
        }
        try {
            byte[] bytes = InetAddress.getByName(literal).getAddress();
            int length = slash < 0 ? bytes.length * 8 : Integer.parseInt(text.substring(slash + 1));
            return new Address(bytes, length);
        } catch (UnknownHostException | NumberFormatException e) {
            throw DriverException.failure(Failure.Kind.INVALID, "invalid IP address " + text, e);
        }
    }

    int family() {
        return bytes.length == 4 ? AF_INET : AF_INET6;
    }

    boolean isIpv6() {
        return bytes.length == 16;
    }

    /** struct sockaddr_in or sockaddr_in6 (ip(7), ipv6(7)). */
    byte[] socketAddress(int port) {
        ByteBuffer name = ByteBuffer.allocate(isIpv6() ? 28 : 16).order(ByteOrder.nativeOrder());
        name.putShort((short) family());
        name.put((byte) (port >> 8)).put((byte) port);
        if (isIpv6()) {
            name.putInt(0);
        }
        return name.put(bytes).array();
    }

    /** The broadcast address of the network, for IPv4. */
    byte[] broadcast() {
        byte[] address = bytes.clone();
        for (int bit = prefixLength; bit < 32; bit++) {
            address[bit / 8] |= (byte) (0x80 >> bit % 8);
        }
        return address;
    }

    /** Whether it stands for every address of the host. */
    boolean isAny() {
        return Arrays.equals(bytes, new byte[bytes.length]);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Address a && Arrays.equals(bytes, a.bytes) && prefixLength == a.prefixLength;
    }

    @Override
    public int hashCode() {
        return 31 * Arrays.hashCode(bytes) + prefixLength;
    }

    @Override
    public String toString() {
        try {
            return InetAddress.getByAddress(bytes).getHostAddress() + "/" + prefixLength;
        } catch (UnknownHostException e) {
            throw new IllegalStateException("an address of " + bytes.length + " bytes", e);
        }
    }
}
