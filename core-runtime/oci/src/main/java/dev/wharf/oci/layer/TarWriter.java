package dev.wharf.oci.layer;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;

/**
 * Writes the headers of a tar: POSIX ustar, with an extended header (pax) where a value does not fit. Equal entries are equal
 * bytes. Content and its padding are the caller's.
 */
public final class TarWriter {
    /** What ends a tar: two blocks of zeros. */
    public static final int END_BYTES = 2 * TarHeader.BLOCK;

    private static final long SMALL_ID = 07777777;
    private static final long SMALL_SIZE = 077777777777L;

    private TarWriter() {}

    /** The header blocks of {@code entry}; {@code entry.sizeBytes()} of content, padded, must follow. */
    public static byte[] header(Entry entry) {
        Map<String, byte[]> pax = new TreeMap<>();
        byte[] name = Names.encode(entry.name());
        byte[] target = Names.encode(entry.target());
        if (!fits(name)) {
            pax.put("path", name);
        }
        if (!fits(target)) {
            pax.put("linkpath", target);
        }
        if (entry.uid() > SMALL_ID) {
            pax.put("uid", decimal(entry.uid()));
        }
        if (entry.gid() > SMALL_ID) {
            pax.put("gid", decimal(entry.gid()));
        }
        if (entry.sizeBytes() > SMALL_SIZE) {
            pax.put("size", decimal(entry.sizeBytes()));
        }
        boolean plainTime =
                entry.modifiedNanos() == 0 && entry.modifiedSeconds() >= 0 && entry.modifiedSeconds() <= SMALL_SIZE;
        if (!plainTime) {
            pax.put("mtime", time(entry.modifiedSeconds(), entry.modifiedNanos()));
        }
        entry.xattrs().forEach((key, value) -> pax.put("SCHILY.xattr." + key, value));
        byte[] block = block(entry, name, target, plainTime ? entry.modifiedSeconds() : 0);
        if (!isUtf8(name) || !isUtf8(target)) {
            pax.put("hdrcharset", "BINARY".getBytes(StandardCharsets.US_ASCII));
        }
        return pax.isEmpty() ? block : withExtension(pax, block);
    }

    /** How many zeros follow content of {@code sizeBytes}. */
    public static int padding(long sizeBytes) {
        return (int) (-sizeBytes & (TarHeader.BLOCK - 1));
    }

    private static boolean fits(byte[] text) {
        if (text.length > 100) {
            return false;
        }
        for (byte b : text) {
            // What is not ASCII goes where its encoding is agreed upon.
            if (b < 0) {
                return false;
            }
        }
        return true;
    }

    private static byte[] withExtension(Map<String, byte[]> pax, byte[] block) {
        ByteArrayOutputStream records = new ByteArrayOutputStream();
        pax.forEach((key, value) -> record(records, key, value));
        Entry header =
                new Entry(Entry.Kind.FILE, "PaxHeaders/entry", "", 0644, 0, 0, records.size(), 0, 0, 0, 0, Map.of());
        byte[] extension = block(header, Names.encode(header.name()), new byte[0], 0);
        extension[156] = 'x';
        checksum(extension);
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        all.writeBytes(extension);
        all.writeBytes(records.toByteArray());
        all.writeBytes(new byte[padding(records.size())]);
        all.writeBytes(block);
        return all.toByteArray();
    }

    private static boolean isUtf8(byte[] bytes) {
        return Arrays.equals(bytes, new String(bytes, StandardCharsets.UTF_8).getBytes(StandardCharsets.UTF_8));
    }

    /** A record's length counts its own digits. */
    private static void record(ByteArrayOutputStream records, String key, byte[] value) {
        byte[] keyBytes = key.getBytes(StandardCharsets.UTF_8);
        int rest = keyBytes.length + value.length + 3;
        int length = rest + String.valueOf(rest).length();
        if (String.valueOf(length).length() > String.valueOf(rest).length()) {
            length = rest + String.valueOf(length).length();
        }
        records.writeBytes((length + " ").getBytes(StandardCharsets.US_ASCII));
        records.writeBytes(keyBytes);
        records.write('=');
        records.writeBytes(value);
        records.write('\n');
    }

    private static byte[] block(Entry entry, byte[] name, byte[] target, long modified) {
        byte[] block = new byte[TarHeader.BLOCK];
        System.arraycopy(name, 0, block, 0, Math.min(name.length, 100));
        octal(block, 100, 8, entry.mode());
        octal(block, 108, 8, entry.uid() > SMALL_ID ? 0 : entry.uid());
        octal(block, 116, 8, entry.gid() > SMALL_ID ? 0 : entry.gid());
        octal(block, 124, 12, entry.sizeBytes() > SMALL_SIZE ? 0 : entry.sizeBytes());
        octal(block, 136, 12, modified);
        block[156] = (byte) entry.kind().flag;
        System.arraycopy(target, 0, block, 157, Math.min(target.length, 100));
        byte[] magic = "ustar\00000".getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(magic, 0, block, 257, magic.length);
        octal(block, 329, 8, entry.major());
        octal(block, 337, 8, entry.minor());
        checksum(block);
        return block;
    }

    private static void checksum(byte[] block) {
        Arrays.fill(block, 148, 156, (byte) ' ');
        int sum = 0;
        for (byte b : block) {
            sum += b & 0xff;
        }
        octal(block, 148, 7, sum);
    }

    private static void octal(byte[] block, int at, int room, long value) {
        long rest = value;
        for (int i = at + room - 2; i >= at; i--) {
            block[i] = (byte) ('0' + (rest & 7));
            rest >>>= 3;
        }
        block[at + room - 1] = 0;
    }

    private static byte[] decimal(long value) {
        return String.valueOf(value).getBytes(StandardCharsets.US_ASCII);
    }

    private static byte[] time(long seconds, int nanos) {
        boolean negative = seconds < 0;
        long whole = negative && nanos > 0 ? seconds + 1 : seconds;
        long fraction = negative && nanos > 0 ? 1_000_000_000L - nanos : nanos;
        String text = (negative ? "-" : "") + Math.abs(whole);
        if (fraction > 0) {
            text += "." + String.format("%09d", fraction).replaceAll("0+$", "");
        }
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
