package dev.wharf.core.loop;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class LullTest {
    private Duration now = Duration.ZERO;
    private final Deque<Runnable> later = new ArrayDeque<>();
    private final Deque<Duration> at = new ArrayDeque<>();
    private final AtomicInteger calms = new AtomicInteger();
    private final Lull lull = new Lull(
            () -> now.toNanos(),
            (delay, then) -> {
                at.add(now.plus(delay));
                later.add(then);
            },
            calms::incrementAndGet);

    private void burst(int batches) {
        for (int i = 0; i < batches; i++) {
            lull.stirred();
        }
    }

    /** Lets time pass up to the only thing that waits for it. */
    private void pass() {
        assertThat(later).hasSize(1);
        now = Objects.requireNonNull(at.poll());
        Objects.requireNonNull(later.poll()).run();
    }

    @Test
    void aBurstIsOverWhenItWasQuietForAWhile() {
        burst(8);
        now = now.plusSeconds(5);
        burst(1);
        pass();
        assertThat(calms).as("five seconds too early").hasValue(0);
        pass();
        assertThat(now).isEqualTo(Lull.QUIET.plusSeconds(5));
        assertThat(calms).hasValue(1);
        assertThat(later).as("nothing waits while nothing happens").isEmpty();
    }

    @Test
    void theNextBurstIsToldAgain() {
        burst(1);
        pass();
        burst(2);
        pass();
        assertThat(calms).hasValue(2);
    }
}
