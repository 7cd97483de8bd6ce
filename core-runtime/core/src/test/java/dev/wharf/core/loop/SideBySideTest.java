package dev.wharf.core.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.core.plan.Drivers.Part;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class SideBySideTest {
    private final AtomicInteger done = new AtomicInteger();

    private static List<Part> times(int count, Part part) {
        return Collections.nCopies(count, part);
    }

    @Test
    void fiveAreUnderWayAtOnce() throws DriverException {
        CyclicBarrier five = new CyclicBarrier(5);

        SideBySide.run(times(10, () -> {
            try {
                five.await(15, TimeUnit.SECONDS);
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
            done.incrementAndGet();
        }));

        assertThat(done).hasValue(10);
    }

    @Test
    void oneAloneIsDoneByWhoeverWantsIt() throws DriverException {
        Thread me = Thread.currentThread();

        SideBySide.run(times(1, () -> {
            assertThat(Thread.currentThread()).isSameAs(me);
            done.incrementAndGet();
        }));
        SideBySide.run(List.of());

        assertThat(done).hasValue(1);
    }

    @Test
    void noneIsBegunAfterOneThatFailed() {
        assertThatThrownBy(() -> SideBySide.run(times(1000, () -> {
                    done.incrementAndGet();
                    throw DriverException.failure(Failure.Kind.UNAUTHORISED, "who are you?");
                })))
                .isInstanceOf(DriverException.class)
                .hasMessage("who are you?");
        assertThat(done.get()).isBetween(1, 5);
    }

    @Test
    void whoeverInterruptsOneEndsAll() {
        Thread.currentThread().interrupt();

        assertThatThrownBy(() -> SideBySide.run(times(100, () -> {
                    try {
                        Thread.sleep(60_000);
                    } catch (InterruptedException e) {
                        throw DriverException.failure(Failure.Kind.UNAVAILABLE, "interrupted");
                    }
                })))
                .hasMessage("interrupted");
        assertThat(Thread.interrupted()).isFalse();
    }
}
