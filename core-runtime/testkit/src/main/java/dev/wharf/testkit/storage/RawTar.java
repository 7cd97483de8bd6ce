package dev.wharf.testkit.storage;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Builds tars from bare header blocks, so that they can lie in every way. Nothing is checked. */
public final class RawTar {
    private static final int BLOCK = 512;

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    /** One header block; every field may be overwritten before it is added. */
    public static final class Header {
        private final byte[] block = new byte[BLOCK];
        private byte[] content = new byte[0];
        private boolean sum = true;

        private Header(char type, String name) {
            put(0, name.getBytes(StandardCharsets.UTF_8));
            octal(100, 8, type == '5' ? 0755 : 0644);
            octal(108, 8, 0);
            octal(116, 8, 0);
            octal(124, 12, 0);
            octal(136, 12, 1_600_000_000);
            block[156] = (byte) type;
            put(257, "ustar\00000".getBytes(StandardCharsets.US_ASCII));
            octal(329, 8, 0);
            octal(337, 8, 0);
        }

        public Header mode(int mode) {
            octal(100, 8, mode);
            return this;
        }

        public Header owner(int uid, int gid) {
            octal(108, 8, uid);
            octal(116, 8, gid);
            return this;
        }

        public Header time(long seconds) {
            octal(136, 12, seconds);
            return this;
        }

        public Header target(String target) {
            put(157, target.getBytes(StandardCharsets.UTF_8));
            return this;
        }

        public Header device(int major, int minor) {
            octal(329, 8, major);
            octal(337, 8, minor);
            return this;
        }

        public Header content(String text) {
            return content(text.getBytes(StandardCharsets.UTF_8));
        }

        public Header content(byte[] value) {
            content = value.clone();
            octal(124, 12, value.length);
            return this;
        }

        /** Says a size without having it. */
        public Header size(long size) {
            octal(124, 12, size);
            return this;
        }

        /** Any field, as bytes. */
        public Header put(int at, byte[] value) {
            System.arraycopy(value, 0, block, at, Math.min(value.length, BLOCK - at));
            return this;
        }

        /** A number in GNU's binary form. */
        public Header binary(int at, int room, long value) {
            byte[] field = new byte[room];
            Arrays.fill(field, value < 0 ? (byte) 0xff : 0);
            byte[] number = ByteBuffer.allocate(8).putLong(value).array();
            System.arraycopy(number, 0, field, room - 8, 8);
            field[0] |= (byte) 0x80;
            return put(at, field);
        }

        public Header octal(int at, int room, long value) {
            String digits = String.format("%0" + (room - 1) + "o", value);
            put(at, digits.getBytes(StandardCharsets.US_ASCII));
            return this;
        }

        public Header withoutChecksum() {
            sum = false;
            return this;
        }

        /** The header and its content, for a tar without an end. */
        public byte[] open() {
            Arrays.fill(block, 148, 156, (byte) ' ');
            int total = 0;
            for (byte b : block) {
                total += b & 0xff;
            }
            octal(148, 7, sum ? total : total + 1);
            ByteArrayOutputStream all = new ByteArrayOutputStream();
            all.writeBytes(block);
            all.writeBytes(content);
            all.writeBytes(new byte[-content.length & (BLOCK - 1)]);
            return all.toByteArray();
        }
    }

    public static Header header(char type, String name) {
        return new Header(type, name);
    }

    public static Header file(String name, String content) {
        return header('0', name).content(content);
    }

    public static Header directory(String name) {
        return header('5', name);
    }

    public static Header symlink(String name, String target) {
        return header('2', name).target(target).mode(0777);
    }

    public static Header hardLink(String name, String target) {
        return header('1', name).target(target);
    }

    public RawTar add(Header header) {
        bytes.writeBytes(header.open());
        return this;
    }

    public RawTar raw(byte[] more) {
        bytes.writeBytes(more);
        return this;
    }

    /** An extended header for the next entry, of keys and values in turn. */
    public RawTar pax(String... records) {
        byte[][] pairs = new byte[records.length][];
        for (int i = 0; i < records.length; i++) {
            pairs[i] = records[i].getBytes(StandardCharsets.UTF_8);
        }
        return pax('x', pairs);
    }

    public RawTar pax(char type, byte[]... records) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (int i = 0; i < records.length; i += 2) {
            all.writeBytes(record(records[i], records[i + 1]));
        }
        return add(header(type, "PaxHeaders/x").content(all.toByteArray()));
    }

    private static byte[] record(byte[] key, byte[] value) {
        int rest = key.length + value.length + 3;
        int length = rest + digits(rest);
        length = rest + digits(length);
        ByteArrayOutputStream record = new ByteArrayOutputStream();
        record.writeBytes((length + " ").getBytes(StandardCharsets.US_ASCII));
        record.writeBytes(key);
        record.write('=');
        record.writeBytes(value);
        record.write('\n');
        return record.toByteArray();
    }

    private static int digits(int number) {
        return String.valueOf(number).length();
    }

    /** The tar without its end. */
    public byte[] open() {
        return bytes.toByteArray();
    }

    /** The tar with the two blocks that end it. */
    public byte[] tar() {
        byte[] all = bytes.toByteArray();
        return Arrays.copyOf(all, all.length + 2 * BLOCK);
    }
}
