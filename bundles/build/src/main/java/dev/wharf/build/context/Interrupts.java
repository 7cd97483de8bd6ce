package dev.wharf.build.context;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;

/** Long work on files that ends when its thread is interrupted, which no file does by itself. */
public final class Interrupts {
    private Interrupts() {}

    /** Ends what a thread does that was interrupted, and leaves it interrupted. */
    public static void heed() throws InterruptedIOException {
        if (Thread.currentThread().isInterrupted()) {
            throw new InterruptedIOException("the build was cancelled");
        }
    }

    /** A stream that ends so. */
    public static InputStream heeding(InputStream in) {
        return new FilterInputStream(in) {
            @Override
            public int read() throws IOException {
                heed();
                return super.read();
            }

            @Override
            public int read(byte[] into, int from, int most) throws IOException {
                heed();
                return super.read(into, from, most);
            }
        };
    }
}
