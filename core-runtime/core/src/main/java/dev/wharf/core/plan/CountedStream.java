package dev.wharf.core.plan;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;

/**
 * Tells how many bytes went by, the first of them and then every quarter of a mebibyte: often enough for a progress bar, seldom
 * enough to be free.
 */
final class CountedStream extends FilterInputStream {
    private static final long BEAT = 256 * 1024;

    /** Hears how far it is, and may break off. */
    interface Listener {
        void at(long done) throws IOException;
    }

    private final Listener listener;
    private long done;
    private long next;

    CountedStream(InputStream in, Listener listener) {
        super(in);
        this.listener = listener;
    }

    CountedStream from(long offset) {
        done = offset;
        return this;
    }

    @Override
    public int read() throws IOException {
        int b = super.read();
        count(b < 0 ? 0 : 1);
        return b;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
        int n = super.read(bytes, offset, length);
        count(Math.max(n, 0));
        return n;
    }

    private void count(int n) throws IOException {
        done += n;
        if (n > 0 && done >= next) {
            next = done + BEAT;
            listener.at(done);
        }
    }

    @Override
    public boolean markSupported() {
        return false;
    }
}
