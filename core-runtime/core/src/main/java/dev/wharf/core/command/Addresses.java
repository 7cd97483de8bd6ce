package dev.wharf.core.command;

import dev.wharf.core.state.Leases;
import dev.wharf.model.NetworkSpec.Pool;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/** Arithmetic on address pools: pure, so that leases need no database and no locks. */
public final class Addresses {
    private static final String BYTE = "(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])";

    /** Strict on purpose: what the library does not take for an address, it looks up as a name. */
    private static final Pattern LITERAL =
            Pattern.compile(BYTE + "(?:\\." + BYTE + "){3}|[0-9a-fA-F:.]{0,64}:[0-9a-fA-F:.]{0,64}");

    private Addresses() {}

    /** A block of addresses. */
    public record Subnet(BigInteger first, int prefix, int bits) {
        /** Reads CIDR; host bits are dropped. */
        public static Subnet parse(String cidr) {
            int slash = cidr.indexOf('/');
            if (slash < 0) {
                throw new IllegalArgumentException("invalid subnet \"" + cidr + "\": expected address/prefix");
            }
            InetAddress address = literal(cidr.substring(0, slash));
            int bits = address.getAddress().length * 8;
            int prefix;
            try {
                prefix = Integer.parseInt(cidr.substring(slash + 1));
            } catch (NumberFormatException e) {
                throw new IllegalArgumentException("invalid subnet \"" + cidr + "\": bad prefix length");
            }
            if (prefix < 0 || prefix > bits) {
                throw new IllegalArgumentException("invalid subnet \"" + cidr + "\": bad prefix length");
            }
            BigInteger size = BigInteger.ONE.shiftLeft(bits - prefix);
            BigInteger value = number(address);
            return new Subnet(value.subtract(value.mod(size)), prefix, bits);
        }

        public BigInteger last() {
            return first.add(BigInteger.ONE.shiftLeft(bits - prefix)).subtract(BigInteger.ONE);
        }

        public boolean isIpv4() {
            return bits == 32;
        }

        public boolean contains(String address) {
            InetAddress a = literal(address);
            return a.getAddress().length * 8 == bits
                    && number(a).compareTo(first) >= 0
                    && number(a).compareTo(last()) <= 0;
        }

        /** Whether an address names the subnet itself or all of its hosts, so that no host can have it. */
        boolean isSpecial(String address) {
            BigInteger value = number(literal(address));
            return prefix < bits - 1 && (value.equals(first) || isIpv4() && value.equals(last()));
        }

        /**
         * The first address that a host can have. Of two IPv4 addresses or one, none names the subnet itself (RFC 3021); of
         * IPv6 the first always does.
         */
        BigInteger firstHost() {
            return isIpv4() && prefix >= bits - 1 ? first : first.add(BigInteger.ONE);
        }

        /** The address of the subnet's way out, where nobody names another. */
        String usualGateway() {
            return text(firstHost(), bits);
        }

        public boolean overlaps(Subnet other) {
            return bits == other.bits && first.compareTo(other.last()) <= 0 && other.first.compareTo(last()) <= 0;
        }

        /** The first block in this one with a prefix of {@code size} that meets none of {@code taken}; empty for none. */
        Optional<Subnet> free(int size, List<Subnet> taken) {
            if (size < prefix || size > bits) {
                throw new IllegalArgumentException("no subnet in " + this + " has a prefix of " + size
                        + " bits: expected " + prefix + " to " + bits);
            }
            Subnet block = new Subnet(first, size, bits);
            while (block.first.compareTo(last()) <= 0) {
                Optional<BigInteger> end =
                        taken.stream().filter(block::overlaps).map(Subnet::last).max(BigInteger::compareTo);
                if (end.isEmpty()) {
                    return Optional.of(block);
                }
                // The next block begins behind whatever lies in this one.
                BigInteger length = BigInteger.ONE.shiftLeft(bits - size);
                block = new Subnet(
                        end.get()
                                .max(block.last())
                                .divide(length)
                                .add(BigInteger.ONE)
                                .multiply(length),
                        size,
                        bits);
            }
            return Optional.empty();
        }

        /** The address {@code offset} after the first. */
        public String at(int offset) {
            return text(first.add(BigInteger.valueOf(offset)), bits);
        }

        @Override
        public String toString() {
            return text(first, bits) + "/" + prefix;
        }
    }

    /** The next free address after the one given out last, round the pool once; empty when all are taken. */
    public static Optional<String> next(Pool pool, Leases leases) {
        Subnet subnet = Subnet.parse(pool.subnet());
        Subnet range = pool.range().isEmpty() ? subnet : Subnet.parse(pool.range());
        BigInteger low = range.first().max(subnet.firstHost());
        // The last address of IPv4 is its broadcast address.
        BigInteger high = subnet.isIpv4() && range.last().equals(subnet.last()) && subnet.prefix() < 31
                ? range.last().subtract(BigInteger.ONE)
                : range.last();
        if (low.compareTo(high) > 0) {
            return Optional.empty();
        }
        String last = subnet.isIpv4() ? leases.last4() : leases.last6();
        BigInteger start = last.isEmpty() ? low : number(literal(last)).add(BigInteger.ONE);
        if (start.compareTo(low) < 0 || start.compareTo(high) > 0) {
            start = low;
        }
        BigInteger at = start;
        do {
            String candidate = text(at, subnet.bits());
            if (isFree(pool, leases, candidate)) {
                return Optional.of(candidate);
            }
            at = at.compareTo(high) >= 0 ? low : at.add(BigInteger.ONE);
        } while (!at.equals(start));
        return Optional.empty();
    }

    /** Whether an address of the pool may be given out now. */
    public static boolean isFree(Pool pool, Leases leases, String address) {
        String plain = canonical(address);
        return (pool.gateway().isEmpty() || !plain.equals(canonical(pool.gateway())))
                && pool.reserved().values().stream().noneMatch(r -> plain.equals(canonical(r)))
                && leases.holder(plain).isEmpty();
    }

    /** The one way to write an address, so that two ways to write it are not two addresses (RFC 5952). */
    public static String canonical(String address) {
        InetAddress parsed = literal(address);
        return text(number(parsed), parsed.getAddress().length * 8);
    }

    /** The hardware address that Docker gives to an IPv4 address: locally administered, unique on the network. */
    public static String macFor(String ipv4) {
        byte[] b = literal(ipv4).getAddress();
        return String.format(
                "02:42:%02x:%02x:%02x:%02x", b[b.length - 4], b[b.length - 3], b[b.length - 2], b[b.length - 1]);
    }

    /** A hardware address for where there is no IPv4 address: locally administered, and made of the digits of an id. */
    static String anyMac(String id) {
        return "02:42:" + String.join(":", id.substring(0, 8).split("(?<=\\G..)"));
    }

    /** An address written as numbers; names are refused, so nothing is ever looked up. */
    public static InetAddress literal(String text) {
        if (!LITERAL.matcher(text).matches()) {
            throw new IllegalArgumentException("invalid IP address \"" + text + "\"");
        }
        try {
            return InetAddress.getByName(text);
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException("invalid IP address \"" + text + "\"", e);
        }
    }

    private static BigInteger number(InetAddress address) {
        return new BigInteger(1, address.getAddress());
    }

    private static String text(BigInteger value, int bits) {
        byte[] out = new byte[bits / 8];
        byte[] in = value.toByteArray();
        for (int i = 0; i < out.length && i < in.length; i++) {
            out[out.length - 1 - i] = in[in.length - 1 - i];
        }
        if (out.length == 16) {
            return compressed(out);
        }
        try {
            return InetAddress.getByAddress(out).getHostAddress();
        } catch (UnknownHostException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The longest run of two zero groups and more is left out, the first of several. */
    private static String compressed(byte[] bytes) {
        int[] groups = new int[8];
        for (int i = 0; i < 8; i++) {
            groups[i] = (bytes[2 * i] & 0xff) << 8 | bytes[2 * i + 1] & 0xff;
        }
        int from = -1;
        int longest = 1;
        for (int i = 0; i < 8; i++) {
            int end = i;
            while (end < 8 && groups[end] == 0) {
                end++;
            }
            if (end - i > longest) {
                longest = end - i;
                from = i;
            }
        }
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < 8; i++) {
            if (i == from) {
                text.append("::");
                i += longest - 1;
            } else {
                text.append(text.length() == 0 || text.charAt(text.length() - 1) == ':' ? "" : ":")
                        .append(Integer.toHexString(groups[i]));
            }
        }
        return text.toString();
    }
}
