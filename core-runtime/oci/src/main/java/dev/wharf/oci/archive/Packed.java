package dev.wharf.oci.archive;

import com.github.luben.zstd.ZstdInputStream;
import dev.wharf.model.MediaTypes;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.zip.GZIPInputStream;
import org.apache.commons.compress.compressors.bzip2.BZip2CompressorInputStream;

/** Tells by its first bytes how a stream is packed. */
public final class Packed {
    static final int LONGEST_MAGIC = 6;

    private Packed() {}

    /**
     * The tar inside; whoever does not read it to its end must say that it is {@link #done}. A {@link
     * dev.wharf.oci.image.DocumentException} where the packing is damaged.
     */
    public static InputStream unpack(InputStream archive) throws IOException {
        BufferedInputStream in = new BufferedInputStream(archive, 64 << 10);
        byte[] head = peek(in);
        if (isGzip(head)) {
            return Unwrapped.of(in, packed -> new GZIPInputStream(packed, 64 << 10));
        }
        if (isZstd(head)) {
            return Unwrapped.of(in, ZstdInputStream::new);
        }
        if (starts(head, 'B', 'Z', 'h')) {
            // Parallel packers write one stream after another.
            return Unwrapped.of(in, packed -> new BZip2CompressorInputStream(packed, true));
        }
        if (starts(head, 0xfd, '7', 'z', 'X', 'Z')) {
            return Unwrapped.of(in, Xz::open);
        }
        return in;
    }

    /** Ends the reading of a tar from {@link #unpack}; the archive itself stays open. */
    public static void done(InputStream tar) throws IOException {
        if (tar instanceof Unwrapped unwrapped) {
            unwrapped.done();
        }
    }

    /** The media type of a layer; the stream is as it was before. */
    static String layerType(BufferedInputStream layer) throws IOException {
        byte[] head = peek(layer);
        if (isGzip(head)) {
            return MediaTypes.OCI_LAYER_GZIP;
        }
        return isZstd(head) ? MediaTypes.OCI_LAYER_ZSTD : MediaTypes.OCI_LAYER;
    }

    private static byte[] peek(BufferedInputStream in) throws IOException {
        in.mark(LONGEST_MAGIC);
        byte[] head = in.readNBytes(LONGEST_MAGIC);
        in.reset();
        return head;
    }

    private static boolean isGzip(byte[] head) {
        return starts(head, 0x1f, 0x8b);
    }

    private static boolean isZstd(byte[] head) {
        // A zstd stream may also begin with a frame to skip (RFC 8878, 3.1.2), as those that can be read in parts do.
        return starts(head, 0x28, 0xb5, 0x2f, 0xfd)
                || (head.length >= 4
                        && (head[0] & 0xf0) == 0x50
                        && head[1] == 0x2a
                        && head[2] == 0x4d
                        && head[3] == 0x18);
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
