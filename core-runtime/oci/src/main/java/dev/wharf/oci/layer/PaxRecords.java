package dev.wharf.oci.layer;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The extended header of one entry (POSIX pax): records of {@code "length key=value\n"}. */
final class PaxRecords {
    private static final String XATTR = "SCHILY.xattr.";
    private static final PaxRecords NONE = new PaxRecords(Map.of(), List.of());

    private final Map<String, byte[]> records;
    /** Offsets and lengths of the sparse map in GNU's version 0.0, which repeats its keys. */
    private final List<Long> sparse;

    private PaxRecords(Map<String, byte[]> records, List<Long> sparse) {
        this.records = records;
        this.sparse = sparse;
    }

    static PaxRecords none() {
        return NONE;
    }

    static PaxRecords parse(byte[] bytes) throws LayerException {
        Map<String, byte[]> records = new LinkedHashMap<>();
        List<Long> sparse = new ArrayList<>();
        for (int at = 0; at < bytes.length; ) {
            int space = find(bytes, at, (byte) ' ');
            long length = decimal(text(bytes, at, space), "record length");
            if (length <= 0 || length > bytes.length - at) {
                throw damaged("a record is longer than its header");
            }
            int end = at + (int) length;
            int equals = find(bytes, space + 1, (byte) '=');
            if (equals >= end || bytes[end - 1] != '\n') {
                throw damaged("a record is cut short");
            }
            String key = text(bytes, space + 1, equals);
            byte[] value = Arrays.copyOfRange(bytes, equals + 1, end - 1);
            if (key.isEmpty() || key.indexOf('\0') >= 0) {
                throw damaged("a record without a key");
            }
            if (key.equals("GNU.sparse.offset") || key.equals("GNU.sparse.numbytes")) {
                boolean length2 = key.equals("GNU.sparse.numbytes");
                if ((sparse.size() % 2 == 1) != length2) {
                    throw damaged("a sparse map without order");
                }
                sparse.add(decimal(Names.decode(value), "sparse map"));
            }
            records.put(key, value);
            at = end;
        }
        return new PaxRecords(records, sparse);
    }

    /** An empty value takes back what another header said, so it counts as none. */
    Optional<String> text(String key) throws LayerException {
        byte[] value = records.get(key);
        if (value == null || value.length == 0) {
            return Optional.empty();
        }
        String text = Names.decode(value);
        if (text.indexOf('\0') >= 0) {
            throw damaged("a zero byte in the record \"" + Names.show(key) + "\"");
        }
        return Optional.of(text);
    }

    Optional<Long> number(String key) throws LayerException {
        Optional<String> text = text(key);
        return text.isPresent() ? Optional.of(decimal(text.get(), key)) : Optional.empty();
    }

    Map<String, byte[]> xattrs(int limit) throws LayerException {
        Map<String, byte[]> xattrs = new LinkedHashMap<>();
        for (Map.Entry<String, byte[]> record : records.entrySet()) {
            if (!record.getKey().startsWith(XATTR)) {
                continue;
            }
            String key = record.getKey().substring(XATTR.length());
            if (key.isEmpty() || record.getValue().length > limit) {
                throw new LayerException("the extended attribute \"" + Names.show(key) + "\" has "
                        + record.getValue().length + " bytes; at most " + limit + " are allowed");
            }
            xattrs.put(key, record.getValue());
        }
        return xattrs;
    }

    List<Long> sparsePairs() {
        return sparse;
    }

    /** Seconds since the epoch, perhaps negative, perhaps with a fraction; answers with seconds and nanoseconds. */
    static long[] time(String text) throws LayerException {
        int dot = text.indexOf('.');
        String whole = dot < 0 ? text : text.substring(0, dot);
        String fraction = dot < 0 ? "" : text.substring(dot + 1);
        boolean negative = whole.startsWith("-");
        String digits = negative ? whole.substring(1) : whole;
        long seconds = digits.isEmpty() && !fraction.isEmpty() ? 0 : decimal(digits, "time");
        long nanos = 0;
        for (int i = 0; i < fraction.length(); i++) {
            char c = fraction.charAt(i);
            if (c < '0' || c > '9') {
                throw damaged("a time is not a number");
            }
            if (i < 9) {
                nanos = nanos * 10 + (c - '0');
            }
        }
        for (int i = fraction.length(); i < 9; i++) {
            nanos *= 10;
        }
        if (negative) {
            return nanos == 0 ? new long[] {-seconds, 0} : new long[] {-seconds - 1, 1_000_000_000 - nanos};
        }
        return new long[] {seconds, nanos};
    }

    static long decimal(String text, String what) throws LayerException {
        if (text.isEmpty() || text.length() > 18) {
            throw damaged("the " + what + " is not a number that makes sense");
        }
        long value = 0;
        for (int i = 0; i < text.length(); i++) {
            int digit = text.charAt(i) - '0';
            if (digit < 0 || digit > 9) {
                throw damaged("the " + what + " is not a number");
            }
            value = value * 10 + digit;
        }
        return value;
    }

    private static int find(byte[] bytes, int from, byte wanted) throws LayerException {
        for (int i = from; i < bytes.length; i++) {
            if (bytes[i] == wanted) {
                return i;
            }
        }
        throw damaged("a record is cut short");
    }

    private static String text(byte[] bytes, int from, int to) {
        return new String(bytes, from, Math.max(0, to - from), StandardCharsets.UTF_8);
    }

    private static LayerException damaged(String how) {
        return new LayerException("the tar is damaged: in an extended header, " + how);
    }
}
