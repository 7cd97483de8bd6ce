package dev.wharf.oci.layer;

import java.util.Arrays;

/** One header block of 512 bytes: where its fields lie, and how numbers stand in them (POSIX ustar, GNU and star). */
final class TarHeader {
    static final int BLOCK = 512;

    private static final int NAME = 0;
    private static final int MODE = 100;
    private static final int UID = 108;
    private static final int GID = 116;
    private static final int SIZE = 124;
    private static final int MODIFIED = 136;
    private static final int CHECKSUM = 148;
    private static final int FLAG = 156;
    private static final int TARGET = 157;
    private static final int MAGIC = 257;
    private static final int MAJOR = 329;
    private static final int MINOR = 337;
    private static final int PREFIX = 345;
    static final int GNU_SPARSE = 386;
    private static final int GNU_SPARSE_MORE = 482;
    private static final int GNU_REAL_SIZE = 483;

    private final byte[] bytes;

    TarHeader(byte[] bytes) {
        this.bytes = bytes;
    }

    boolean isZero() {
        for (byte b : bytes) {
            if (b != 0) {
                return false;
            }
        }
        return true;
    }

    /** Some old writers summed signed bytes, so both sums count. */
    void check() throws LayerException {
        long unsigned = 0;
        long signed = 0;
        for (int i = 0; i < BLOCK; i++) {
            byte b = i >= CHECKSUM && i < CHECKSUM + 8 ? (byte) ' ' : bytes[i];
            unsigned += b & 0xff;
            signed += b;
        }
        long said = octal(CHECKSUM, 8, "checksum");
        if (said != unsigned && said != signed) {
            throw new LayerException("the tar is damaged: an entry's header has the wrong checksum");
        }
    }

    char flag() {
        return (char) (bytes[FLAG] & 0xff);
    }

    private boolean has(int at, String text) {
        for (int i = 0; i < text.length(); i++) {
            if (bytes[at + i] != text.charAt(i)) {
                return false;
            }
        }
        return true;
    }

    private boolean isUstar() {
        return has(MAGIC, "ustar\0");
    }

    boolean isGnu() {
        return has(MAGIC, "ustar  \0");
    }

    String name() {
        String name = text(NAME, 100);
        if (!isUstar()) {
            return name;
        }
        String prefix = text(PREFIX, has(508, "tar\0") ? 131 : 155);
        return prefix.isEmpty() ? name : prefix + "/" + name;
    }

    String target() {
        return text(TARGET, 100);
    }

    long mode() throws LayerException {
        return number(MODE, 8, "mode");
    }

    long uid() throws LayerException {
        return number(UID, 8, "uid");
    }

    long gid() throws LayerException {
        return number(GID, 8, "gid");
    }

    long size() throws LayerException {
        return number(SIZE, 12, "size");
    }

    long modified() throws LayerException {
        return number(MODIFIED, 12, "time");
    }

    int major() throws LayerException {
        return device(MAJOR);
    }

    int minor() throws LayerException {
        return device(MINOR);
    }

    private int device(int at) throws LayerException {
        // Before ustar there was no such field.
        long number = isUstar() || isGnu() ? number(at, 8, "device number") : 0;
        if (number < 0 || number > 0xffffffffL) {
            throw new LayerException("the tar is damaged: device number " + number);
        }
        return (int) number;
    }

    long realSize() throws LayerException {
        return number(GNU_REAL_SIZE, 12, "size");
    }

    boolean hasMoreSparse() {
        return bytes[GNU_SPARSE_MORE] != 0;
    }

    /** One number of an old GNU sparse map, 12 bytes wide. */
    long sparse(int at) throws LayerException {
        return number(at, 12, "sparse map");
    }

    boolean isEmpty(int at) {
        return bytes[at] == 0;
    }

    byte at(int index) {
        return bytes[index];
    }

    private String text(int at, int room) {
        int end = at;
        while (end < at + room && bytes[end] != 0) {
            end++;
        }
        return Names.decode(bytes, at, end - at);
    }

    /** Octal digits, or a binary number behind a set high bit, two's complement (GNU, star). */
    private long number(int at, int room, String what) throws LayerException {
        if ((bytes[at] & 0x80) == 0) {
            return octal(at, room, what);
        }
        boolean negative = (bytes[at] & 0x40) != 0;
        long value = negative ? -1 : 0;
        for (int i = 0; i < room; i++) {
            int b = bytes[at + i] & 0xff;
            if (i == 0) {
                b = negative ? b : b & 0x7f;
            }
            long high = value >> 55;
            if (high != 0 && high != -1) {
                throw new LayerException("the tar is damaged: a " + what + " is too large");
            }
            value = value << 8 | b;
        }
        return value;
    }

    private long octal(int at, int room, String what) throws LayerException {
        int start = at;
        int end = at + room;
        while (start < end && (bytes[start] == ' ' || bytes[start] == 0)) {
            start++;
        }
        while (end > start && (bytes[end - 1] == ' ' || bytes[end - 1] == 0)) {
            end--;
        }
        long value = 0;
        for (int i = start; i < end; i++) {
            int digit = bytes[i] - '0';
            if (digit < 0 || digit > 7) {
                if (bytes[i] == 0) {
                    break;
                }
                throw new LayerException("the tar is damaged: a " + what + " is not a number: "
                        + Names.show(Names.decode(Arrays.copyOfRange(bytes, start, end))));
            }
            value = value * 8 + digit;
        }
        return value;
    }
}
