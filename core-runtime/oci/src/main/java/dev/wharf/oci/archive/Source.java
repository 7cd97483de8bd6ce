package dev.wharf.oci.archive;

import dev.wharf.oci.image.DocumentException;
import java.io.EOFException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;

/** What something is read from, and whether that failed: what could be read and yet not be understood is damaged. */
final class Source extends FilterInputStream {
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

    /** What a failure of {@code what}, which is read from here, is for whoever sent it. */
    IOException told(IOException e, String what) {
        if (failed || e instanceof DocumentException) {
            return e;
        }
        boolean ended = e instanceof EOFException || e.getMessage() == null;
        return new DocumentException(what + " is damaged: " + (ended ? "it ends too early" : e.getMessage()), e);
    }
}
