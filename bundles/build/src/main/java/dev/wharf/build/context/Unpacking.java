package dev.wharf.build.context;

import dev.wharf.oci.archive.Packed;
import dev.wharf.oci.archive.Unwrapped;
import java.io.BufferedInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import org.tukaani.xz.XZInputStream;

/** Tells by its first bytes how a stream is packed, and takes the packing off: gzip, bzip2, xz, zstd or none. */
public final class Unpacking {
    private static final int MAGIC = 512;

    /** As much may come of anything; what is more must not be this many times what it was packed to. */
    private static final long HARMLESS = 512L << 20;

    private static final long MOST_SWELLING = 200;

    /** A dictionary larger than this is an attack on memory: the largest that xz(1) makes is 64 MiB. */
    private static final int XZ_MEMORY_KIB = 80 << 10;

    private Unpacking() {}

    /** The stream without its packing. A ContextException where it swells as no honest one does, a DocumentException where it is damaged. */
    public static InputStream unpack(InputStream packed) throws IOException {
        Counted from = new Counted(packed);
        return new Swelling(plain(from), from);
    }

    private static InputStream plain(InputStream packed) throws IOException {
        BufferedInputStream in = new BufferedInputStream(packed, 64 << 10);
        byte[] head = peek(in);
        if (starts(head, 0xfd, '7', 'z', 'X', 'Z', 0)) {
            return Unwrapped.of(in, xz -> new XZInputStream(xz, XZ_MEMORY_KIB));
        }
        return Packed.unpack(in);
    }

    /** Whether a file is a tar, packed or not, which ADD then unpacks. */
    public static boolean isTar(InputStream file) {
        try (InputStream in = unpack(file)) {
            byte[] block = in.readNBytes(MAGIC);
            if (block.length < MAGIC) {
                return false;
            }
            int sum = 0;
            for (int i = 0; i < MAGIC; i++) {
                sum += i >= 148 && i < 156 ? ' ' : block[i] & 0xff;
            }
            String written = new String(block, 148, 8, java.nio.charset.StandardCharsets.ISO_8859_1)
                    .replace('\0', ' ')
                    .strip();
            // A block of zeros alone is an empty tar, and its sum fits, too; but it may be any file of zeros.
            return written.matches("[0-7]+") && Integer.parseInt(written, 8) == sum && block[0] != 0;
        } catch (IOException | RuntimeException e) {
            return false;
        }
    }

    private static byte[] peek(BufferedInputStream in) throws IOException {
        in.mark(8);
        byte[] head = in.readNBytes(6);
        in.reset();
        return head;
    }

    private static boolean starts(byte[] head, int... magic) {
        if (head.length < magic.length) {
            return false;
        }
        for (int i = 0; i < magic.length; i++) {
            if (head[i] != (byte) magic[i]) {
                return false;
            }
        }
        return true;
    }

    /** Counts what was read. */
    private static final class Counted extends FilterInputStream {
        private long count;

        Counted(InputStream in) {
            super(in);
        }

        @Override
        public int read() throws IOException {
            int b = super.read();
            count += b < 0 ? 0 : 1;
            return b;
        }

        @Override
        public int read(byte[] into, int from, int most) throws IOException {
            int n = super.read(into, from, most);
            count += Math.max(0, n);
            return n;
        }
    }

    /** Ends a bomb: a little that becomes more than a disk holds. */
    private static final class Swelling extends FilterInputStream {
        private final Counted packed;
        private long count;

        Swelling(InputStream in, Counted packed) {
            super(in);
            this.packed = packed;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] into, int from, int most) throws IOException {
            int n = super.read(into, from, most);
            count += Math.max(0, n);
            if (count > HARMLESS && count / MOST_SWELLING > packed.count) {
                throw new ContextException("the archive is refused: it unpacks to more than " + MOST_SWELLING
                        + " times its size, as a tar bomb does; send it unpacked if it is none");
            }
            return n;
        }
    }
}
