package dev.wharf.core.plan;

import java.time.Duration;

/** How long to wait before a stalled step is tried again: 100 ms, doubling, at most half a minute. */
final class BackOff {
    private static final Duration FIRST = Duration.ofMillis(100);
    private static final Duration LAST = Duration.ofSeconds(30);

    private BackOff() {}

    static Duration after(int tries) {
        Duration wait = FIRST.multipliedBy(1L << Math.min(tries, 20));
        return wait.compareTo(LAST) > 0 ? LAST : wait;
    }
}
