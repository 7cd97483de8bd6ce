package dev.wharf.housekeeping;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.function.LongConsumer;

/** Keeps reading to a rate, so that containers have the disk, and counts what was read. One thread. */
final class Pace implements LongConsumer {
    private static final long NANOS = 1_000_000_000;

    private final Shift shift;
    private final long bytesPerSecond;
    private final long began = System.nanoTime();
    private long read;

    Pace(Shift shift, long bytesPerSecond) {
        this.shift = shift;
        this.bytesPerSecond = bytesPerSecond;
    }

    @Override
    public void accept(long more) {
        read += more;
        long due = (long) (read / (double) bytesPerSecond * NANOS) - (System.nanoTime() - began);
        if (due > NANOS / 100) {
            shift.rest(due / 1_000_000);
        } else {
            shift.goOn();
        }
    }

    long read() {
        return read;
    }

    /** A stream that is read at this pace. */
    InputStream of(InputStream in) {
        return new FilterInputStream(in) {
            @Override
            public int read() throws IOException {
                int one = super.read();
                if (one >= 0) {
                    accept(1);
                }
                return one;
            }

            @Override
            public int read(byte[] into, int from, int count) throws IOException {
                int n = super.read(into, from, count);
                if (n > 0) {
                    accept(n);
                }
                return n;
            }
        };
    }
}
