package dev.wharf.oci.archive;

import dev.wharf.oci.image.DocumentException;
import java.io.IOException;
import java.io.InputStream;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.tukaani.xz.MemoryLimitException;
import org.tukaani.xz.XZInputStream;

/**
 * What is packed with xz. Its dictionary lies on our heap, which is small, so one archive is read at a time, and one that
 * asks for more than {@code xz -7} does is refused.
 */
final class Xz extends InputStream {
    private static final int MEMORY_KIB = 20 << 10;
    private static final long PATIENCE_SECONDS = 60;
    private static final Semaphore TURN = new Semaphore(1);

    private final InputStream in;
    private final AtomicBoolean over = new AtomicBoolean();

    private Xz(InputStream in) {
        this.in = in;
    }

    /** Waits for its turn; the stream must be closed, read to its end, or fail. */
    static InputStream open(InputStream packed) throws IOException {
        try {
            if (!TURN.tryAcquire(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                throw new IOException("another archive packed with xz is being read; try again");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while another archive packed with xz is read", e);
        }
        try {
            return new Xz(new XZInputStream(packed, MEMORY_KIB));
        } catch (IOException | RuntimeException e) {
            TURN.release();
            throw e;
        }
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] into, int from, int count) throws IOException {
        try {
            int n = in.read(into, from, count);
            if (n < 0) {
                release();
            }
            return n;
        } catch (MemoryLimitException e) {
            release();
            throw new DocumentException("the archive is packed with xz in a way that takes "
                    + (e.getMemoryNeeded() >> 10) + " MiB to read; pack it with xz -6, gzip or zstd");
        } catch (IOException e) {
            release();
            throw e;
        }
    }

    /** Leaves what it reads from open. */
    @Override
    public void close() {
        release();
    }

    private void release() {
        if (over.compareAndSet(false, true)) {
            TURN.release();
        }
    }
}
