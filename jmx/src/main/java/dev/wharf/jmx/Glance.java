package dev.wharf.jmx;

import java.time.Duration;
import java.util.List;
import java.util.function.Supplier;

/**
 * A list that is read once for whatever is asked within a moment: a console asks for every attribute of every bean, and each
 * answer would otherwise make the whole list again.
 */
final class Glance<T> {
    /** Longer than it takes to ask one kind of bean for everything, and too short for anybody to notice. */
    private static final long MOMENT_NANOS = Duration.ofMillis(10).toNanos();

    private final Supplier<List<T>> all;
    private List<T> seen = List.of();
    private long at = System.nanoTime() - 2 * MOMENT_NANOS;

    Glance(Supplier<List<T>> all) {
        this.all = all;
    }

    synchronized List<T> now() {
        if (System.nanoTime() - at > MOMENT_NANOS) {
            seen = all.get();
            at = System.nanoTime();
        }
        return seen;
    }
}
