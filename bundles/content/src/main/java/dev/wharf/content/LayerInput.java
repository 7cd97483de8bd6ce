package dev.wharf.content;

import static dev.wharf.spi.DriverException.failure;

import com.github.luben.zstd.ZstdIOException;
import com.github.luben.zstd.ZstdInputStreamNoFinalizer;
import dev.wharf.model.Digest;
import dev.wharf.spi.Failure;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/**
 * The tar in a layer, unpacked and hashed as it is read. It fails when more comes out than is allowed, and at the end when it
 * was not what it should have been. The exceptions carry a {@link dev.wharf.spi.DriverException} that says why.
 */
final class LayerInput extends InputStream {
    private static final int BUFFER = 128 * 1024;

    private final InputStream tar;
    private final Digest blob;
    private final Digest expected;
    private final MessageDigest hasher;
    private final long limit;
    private long count;
    private boolean ended;

    private LayerInput(InputStream tar, Digest blob, Digest expected, MessageDigest hasher, long limit) {
        this.tar = tar;
        this.blob = blob;
        this.expected = expected;
        this.hasher = hasher;
        this.limit = limit;
    }

    /** Takes over {@code bytes}. */
    static InputStream open(InputStream bytes, Digest blob, Digest diffId, MessageDigest hasher, long limit)
            throws IOException {
        BufferedInputStream buffered = new BufferedInputStream(bytes, BUFFER);
        buffered.mark(4);
        byte[] first = buffered.readNBytes(4);
        buffered.reset();
        try {
            InputStream tar = decompressed(buffered, first);
            // A blob that is the tar itself was verified when it came; hashing it again would find what was found then.
            return tar == buffered && blob.equals(diffId) ? tar : new LayerInput(tar, blob, diffId, hasher, limit);
        } catch (IOException e) {
            bytes.close();
            throw damaged(blob, e);
        }
    }

    private static InputStream decompressed(InputStream in, byte[] first) throws IOException {
        if (first.length >= 2 && (first[0] & 0xff) == 0x1f && (first[1] & 0xff) == 0x8b) {
            // Reads one gzip member after the other (RFC 1952, 2.2).
            return new GZIPInputStream(in, BUFFER);
        }
        // A frame of data, or one to be skipped, as it may also come first (RFC 8878, 3.1).
        boolean frame = first.length == 4
                && (first[0] & 0xff) == 0x28
                && (first[1] & 0xff) == 0xb5
                && (first[2] & 0xff) == 0x2f
                && (first[3] & 0xff) == 0xfd;
        boolean skippable = first.length == 4
                && (first[0] & 0xf0) == 0x50
                && (first[1] & 0xff) == 0x2a
                && (first[2] & 0xff) == 0x4d
                && (first[3] & 0xff) == 0x18;
        return frame || skippable ? new ZstdInputStreamNoFinalizer(in) : in;
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
        if (ended || length == 0) {
            return length == 0 ? 0 : -1;
        }
        int read;
        try {
            read = tar.read(into, offset, length);
        } catch (ZipException | EOFException | ZstdIOException e) {
            throw damaged(blob, e);
        }
        if (read < 0) {
            ended = true;
            verify();
            return -1;
        }
        count += read;
        if (count > limit) {
            throw refused(
                    Failure.Kind.INVALID,
                    "layer " + blob + " unfolds to more than " + limit
                            + " bytes, which is beyond every reason for its size");
        }
        hasher.update(into, offset, read);
        return read;
    }

    private void verify() throws IOException {
        Digest actual = Digest.of(expected.algorithm(), hasher.digest());
        if (!actual.equals(expected)) {
            throw refused(
                    Failure.Kind.CORRUPT,
                    "layer " + blob + " holds a tar with the digest " + actual + ", but " + expected + " was promised");
        }
    }

    private static IOException damaged(Digest blob, IOException cause) {
        IOException damaged =
                refused(Failure.Kind.CORRUPT, "layer " + blob + " cannot be decompressed: " + cause.getMessage());
        damaged.addSuppressed(cause);
        return damaged;
    }

    private static IOException refused(Failure.Kind kind, String message) {
        return new IOException(message, failure(kind, message));
    }

    @Override
    public void close() throws IOException {
        ended = true;
        tar.close();
    }
}
