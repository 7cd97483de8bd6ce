package dev.wharf.core.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.model.DriverName;
import dev.wharf.spi.Driver;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class DriverGateTest {
    private static final DriverName NAME = new DriverName("overlay");

    private record Named(String who) implements Driver {
        @Override
        public DriverName name() {
            return NAME;
        }

        @Override
        public List<Format> formats() {
            return List.of(new Format("f", 1));
        }

        @Override
        public Readiness probe() {
            return Readiness.yes();
        }
    }

    private final Named old = new Named("old");
    private final Named fresh = new Named("new");

    private static DriverGate<Named> gate(Duration patience) {
        return new DriverGate<>(patience);
    }

    @Test
    void theReadyOneOfTheHighestRankServes() throws DriverException {
        DriverGate<Named> gate = gate(Duration.ofSeconds(5));
        gate.add(old, NAME, 0, "1", true);
        gate.add(new Named("broken"), NAME, 9, "9", false);
        assertThat(gate.use(NAME, Named::who)).isEqualTo("old");
        gate.add(fresh, NAME, 1, "2", true);
        assertThat(gate.use(NAME, Named::who)).isEqualTo("new");
        gate.remove(fresh);
        assertThat(gate.use(NAME, Named::who)).isEqualTo("old");
    }

    @Test
    void whoeverLeavesIsWaitedForAndWhoeverComesInMeanwhileGetsTheNext() throws Exception {
        DriverGate<Named> gate = gate(Duration.ofSeconds(20));
        gate.add(old, NAME, 0, "1", true);
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch finish = new CountDownLatch(1);
        CompletableFuture<String> call = CompletableFuture.supplyAsync(() -> {
            try {
                return gate.use(NAME, d -> {
                    inside.countDown();
                    try {
                        finish.await();
                    } catch (InterruptedException e) {
                        throw new AssertionError(e);
                    }
                    return d.who();
                });
            } catch (DriverException e) {
                throw new AssertionError(e);
            }
        });
        inside.await();
        CompletableFuture<Void> leaving = CompletableFuture.runAsync(() -> gate.remove(old));
        while (gate.serving(NAME).isPresent()) {
            Thread.onSpinWait();
        }
        CompletableFuture<String> next = CompletableFuture.supplyAsync(() -> {
            try {
                return gate.use(NAME, Named::who);
            } catch (DriverException e) {
                throw new AssertionError(e);
            }
        });
        assertThat(leaving.isDone()).isFalse();
        gate.add(fresh, NAME, 0, "2", true);
        assertThat(next.get(5, TimeUnit.SECONDS)).isEqualTo("new");
        assertThat(leaving.isDone()).isFalse();
        finish.countDown();
        assertThat(call.get(5, TimeUnit.SECONDS)).isEqualTo("old");
        leaving.get(5, TimeUnit.SECONDS);
    }

    @Test
    void aDriverThatDoesNotComeInTimeIsUnavailable() {
        assertThatThrownBy(() -> gate(Duration.ofMillis(10)).use(NAME, Named::who))
                .isInstanceOfSatisfying(
                        DriverException.class,
                        e -> assertThat(e.failure().kind()).isEqualTo(Failure.Kind.UNAVAILABLE));
    }
}
