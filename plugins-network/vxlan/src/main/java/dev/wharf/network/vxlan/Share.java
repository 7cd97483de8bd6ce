package dev.wharf.network.vxlan;

import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;

/** A block of addresses that is divided among hosts, so that no two give out the same and none has to ask. */
record Share(BigInteger first, int prefix, int bits) {
    private static final String BYTE = "(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])";

    static Share parse(String cidr) throws DriverException {
        int slash = cidr.indexOf('/');
        if (slash < 0 || !cidr.substring(slash + 1).matches("[0-9]{1,3}")) {
            throw DriverException.failure(Failure.Kind.INVALID, "invalid subnet \"" + cidr + "\"");
        }
        byte[] address = bytes(cidr.substring(0, slash));
        int bits = address.length * 8;
        int prefix = Integer.parseInt(cidr.substring(slash + 1));
        if (prefix > bits) {
            throw DriverException.failure(Failure.Kind.INVALID, "invalid subnet \"" + cidr + "\"");
        }
        BigInteger size = BigInteger.ONE.shiftLeft(bits - prefix);
        BigInteger value = new BigInteger(1, address);
        return new Share(value.subtract(value.mod(size)), prefix, bits);
    }

    /** In how many parts a subnet is divided where nobody says: with room for more hosts where there are more addresses. */
    int usualParts() {
        return bits == 32 && prefix > 16 ? 16 : 256;
    }

    /** The part of the host with that number. */
    Share part(int number, int parts) throws DriverException {
        int more = Integer.numberOfTrailingZeros(parts);
        // Of a smaller part nothing is left beside the host's own address.
        if (prefix + more > bits - 2) {
            throw DriverException.failure(
                    Failure.Kind.INVALID,
                    "subnet " + this + " is too small for " + parts
                            + " hosts; take a larger one, or fewer parts with -o " + OverlayOptions.PARTS + "=");
        }
        if (number >= parts) {
            throw DriverException.failure(
                    Failure.Kind.INVALID,
                    "this host has number " + number + " and " + this + " is divided in " + parts
                            + " parts, counted from 0; take a larger subnet, or on every host -o "
                            + OverlayOptions.PARTS
                            + "=" + Integer.highestOneBit(number) * 2);
        }
        BigInteger size = BigInteger.ONE.shiftLeft(bits - prefix - more);
        return new Share(first.add(size.multiply(BigInteger.valueOf(number))), prefix + more, bits);
    }

    /** The address at a place in the block, without prefix length. */
    String at(long place) {
        return text(first.add(BigInteger.valueOf(place)), bits);
    }

    boolean contains(String address) throws DriverException {
        byte[] bytes = bytes(address);
        return bytes.length * 8 == bits
                && new BigInteger(1, bytes)
                                .subtract(first)
                                .shiftRight(bits - prefix)
                                .signum()
                        == 0;
    }

    /** Whether the block's first address looks like a network's, so that some programs would not take it for a host's. */
    boolean isOdd() {
        return first.getLowestSetBit() >= 8;
    }

    /** Only literals, or the JVM would ask a name server; even of numbers that are too large. */
    static byte[] bytes(String address) throws DriverException {
        if (!address.matches(BYTE + "(\\." + BYTE + "){3}|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*")) {
            throw DriverException.failure(Failure.Kind.INVALID, "invalid IP address \"" + address + "\"");
        }
        try {
            return InetAddress.getByName(address).getAddress();
        } catch (UnknownHostException e) {
            throw DriverException.failure(Failure.Kind.INVALID, "invalid IP address \"" + address + "\"", e);
        }
    }

    private static String text(BigInteger value, int bits) {
        byte[] digits = value.toByteArray();
        byte[] address = new byte[bits / 8];
        byte[] tail = Arrays.copyOfRange(digits, Math.max(0, digits.length - address.length), digits.length);
        System.arraycopy(tail, 0, address, address.length - tail.length, tail.length);
        try {
            return InetAddress.getByAddress(address).getHostAddress();
        } catch (UnknownHostException e) {
            throw new IllegalStateException("an address of " + address.length + " bytes", e);
        }
    }

    @Override
    public String toString() {
        return at(0) + "/" + prefix;
    }
}
