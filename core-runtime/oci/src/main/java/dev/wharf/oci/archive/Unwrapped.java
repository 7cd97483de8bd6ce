package dev.wharf.oci.archive;

import dev.wharf.oci.image.DocumentException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;

/**
 * What comes out of a packed stream, or of a file in a tar. Tells damage from a source that fails: what could be read and yet not be unpacked is a
 * {@link DocumentException}, whose message is a sentence for whoever sent it; what could not be read fails as it did.
 */
public final class Unwrapped extends FilterInputStream {
    private static final String PACKING = "the packing";

    private final Source source;
    private final String what;

    /** What {@code in} makes of {@code source}; {@code what} is damaged where it cannot. */
    Unwrapped(InputStream in, Source source, String what) {
        super(in);
        this.source = source;
        this.what = what;
    }

    /** Takes the packing off. */
    public interface Opening {
        InputStream open(InputStream packed) throws IOException;
    }

    /** Takes the packing off with {@code opening}, which reads the packed bytes through a stream that it is given. */
    public static Unwrapped of(InputStream packed, Opening opening) throws IOException {
        Source source = new Source(packed);
        try {
            return new Unwrapped(opening.open(source), source, PACKING);
        } catch (IOException e) {
            throw source.told(e, PACKING);
        }
    }

    /** Ends the reading before the end; the packed stream stays open. */
    void done() throws IOException {
        if (in instanceof Xz) {
            in.close();
        }
    }

    @Override
    public int read() throws IOException {
        try {
            return super.read();
        } catch (IOException e) {
            throw source.told(e, what);
        }
    }

    @Override
    public int read(byte[] into, int from, int count) throws IOException {
        try {
            return super.read(into, from, count);
        } catch (IOException e) {
            throw source.told(e, what);
        }
    }

    @Override
    public long skip(long count) throws IOException {
        try {
            return super.skip(count);
        } catch (IOException e) {
            throw source.told(e, what);
        }
    }
}
