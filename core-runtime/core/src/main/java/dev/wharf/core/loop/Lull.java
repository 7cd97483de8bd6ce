package dev.wharf.core.loop;

import java.time.Duration;
import java.util.function.BiConsumer;
import java.util.function.LongSupplier;

/**
 * Notices that a burst of work is over. While there are new batches it costs a look at the clock, and while there are none it
 * costs nothing: it waits only once there has been something.
 */
final class Lull {
    /** Long enough that a start right after another seldom meets what is done then. */
    static final Duration QUIET = Duration.ofSeconds(10);

    private final LongSupplier nanos;
    private final BiConsumer<Duration, Runnable> after;
    private final Runnable calm;
    private long last;
    private boolean waiting;

    /**
     * @param nanos {@link System#nanoTime}
     * @param after runs something when a time is over, once, from any thread
     * @param calm called when nothing has happened for {@link #QUIET} after a batch
     */
    Lull(LongSupplier nanos, BiConsumer<Duration, Runnable> after, Runnable calm) {
        this.nanos = nanos;
        this.after = after;
        this.calm = calm;
    }

    /** There is a new batch. */
    synchronized void stirred() {
        last = nanos.getAsLong();
        if (!waiting) {
            waiting = true;
            after.accept(QUIET, this::look);
        }
    }

    private void look() {
        synchronized (this) {
            Duration left = QUIET.minusNanos(nanos.getAsLong() - last);
            if (left.compareTo(Duration.ZERO) > 0) {
                after.accept(left, this::look);
                return;
            }
            waiting = false;
        }
        calm.run();
    }
}
