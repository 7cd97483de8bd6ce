package dev.wharf.core.loop;

import dev.wharf.core.agent.Vitals.Latency;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.SingleWriterRecorder;

/** Measures how long one thing takes, done by one thread and read by any. */
final class Stopwatch {
    private static final long LONGEST_NANOS = TimeUnit.MINUTES.toNanos(1);
    private static final int DIGITS = 2;

    private final SingleWriterRecorder recorder = new SingleWriterRecorder(LONGEST_NANOS, DIGITS);
    private final Histogram all = new Histogram(LONGEST_NANOS, DIGITS);
    private volatile long sum;

    /** Something that began at {@code nanos} of {@link System#nanoTime} has ended. Called by one thread only. */
    @SuppressWarnings("NonAtomicVolatileUpdate") // One thread writes.
    void ended(long nanos) {
        long took = Math.max(0, System.nanoTime() - nanos);
        recorder.recordValue(Math.min(took, LONGEST_NANOS));
        sum += took;
    }

    synchronized Latency read() {
        all.add(recorder.getIntervalHistogram());
        return latency(all, sum);
    }

    /** What a histogram of nanoseconds says, with their sum, which it does not keep. */
    static Latency latency(Histogram times, long sum) {
        return new Latency(
                times.getTotalCount(),
                sum,
                times.getValueAtPercentile(50),
                times.getValueAtPercentile(90),
                times.getValueAtPercentile(99),
                times.getMaxValue());
    }
}
