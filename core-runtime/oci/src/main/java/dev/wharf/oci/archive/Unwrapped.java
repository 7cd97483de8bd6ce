package dev.wharf.oci.archive;

import dev.wharf.oci.image.DocumentException;
import java.io.EOFException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;

/**
 * What comes out of a packed stream. Tells damage from a source that fails: what could be read and yet not be unpacked is a
 * {@link DocumentException}, whose message is a sentence for whoever sent it; what could not be read fails as it did.
 */
public final class Unwrapped extends FilterInputStream {
    private final Source source;

    private Unwrapped(InputStream in, Source source) {
        super(in);
        this.source = source;
    }

    /** Takes the packing off. */
    public interface Opening {
        InputStream open(InputStream packed) throws IOException;
    }

    /** Takes the packing off with {@code opening}, which reads the packed bytes through a stream that it is given. */
    public static Unwrapped of(InputStream packed, Opening opening) throws IOException {
        Source source = new Source(packed);
        try {
            return new Unwrapped(opening.open(source), source);
        } catch (IOException e) {
            throw source.told(e);
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
            throw source.told(e);
        }
    }

    @Override
    public int read(byte[] into, int from, int count) throws IOException {
        try {
            return super.read(into, from, count);
        } catch (IOException e) {
            throw source.told(e);
        }
    }

    @Override
    public long skip(long count) throws IOException {
        try {
            return super.skip(count);
        } catch (IOException e) {
            throw source.told(e);
        }
    }

    /** The packed bytes, and whether they could be read. */
    private static final class Source extends FilterInputStream {
        private boolean failed;

        Source(InputStream in) {
            super(in);
        }

        @Override
        public int read() throws IOException {
            try {
                return super.read();
            } catch (IOException e) {
                failed = true;
                throw e;
            }
        }

        @Override
        public int read(byte[] into, int from, int count) throws IOException {
            try {
                return super.read(into, from, count);
            } catch (IOException e) {
                failed = true;
                throw e;
            }
        }

        IOException told(IOException e) {
            if (failed || e instanceof DocumentException) {
                return e;
            }
            boolean ended = e instanceof EOFException || e.getMessage() == null;
            return new DocumentException(
                    "the packing is damaged: " + (ended ? "it ends too early" : e.getMessage()), e);
        }
    }
}
