package dev.wharf.registry.distribution;

import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure.Kind;
import java.time.Duration;

/** Counts how often one upload broke off, and rests after each time; a registry that breaks off again and again is given up. */
final class Breaks {
    /** Three transfers that break off and cannot be taken up again, which counts twice, and one time more. */
    private static final int MAX = 7;

    private static final Duration FIRST = Duration.ofMillis(150);
    private static final Duration LONGEST = Duration.ofSeconds(1);

    private int count;
    private Duration next = FIRST;

    /** Rests where what failed may work in a moment, and passes {@code e} on where it will not or has failed too often. */
    void rest(DriverException e) throws DriverException {
        if (e.failure().kind() != Kind.UNAVAILABLE || Thread.currentThread().isInterrupted() || ++count > MAX) {
            throw e;
        }
        Session.pause(next);
        next = next.multipliedBy(2).compareTo(LONGEST) < 0 ? next.multipliedBy(2) : LONGEST;
    }
}
