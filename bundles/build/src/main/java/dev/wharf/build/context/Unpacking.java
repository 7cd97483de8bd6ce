package dev.wharf.build.context;

import dev.wharf.oci.archive.Packed;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import org.apache.commons.compress.compressors.bzip2.BZip2CompressorInputStream;
import org.tukaani.xz.XZInputStream;

/** Tells by its first bytes how a stream is packed, and takes the packing off: gzip, bzip2, xz, zstd or none. */
public final class Unpacking {
    private static final int MAGIC = 512;

    /** A dictionary larger than this is an attack on memory: the largest that xz(1) makes is 64 MiB. */
    private static final int XZ_MEMORY_KIB = 80 << 10;

    private Unpacking() {}

    /** The stream without its packing. */
    public static InputStream unpack(InputStream packed) throws IOException {
        BufferedInputStream in = new BufferedInputStream(packed, 64 << 10);
        byte[] head = peek(in);
        if (starts(head, 'B', 'Z', 'h')) {
            return new BZip2CompressorInputStream(in, true);
        }
        if (starts(head, 0xfd, '7', 'z', 'X', 'Z', 0)) {
            return new XZInputStream(in, XZ_MEMORY_KIB);
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
}
