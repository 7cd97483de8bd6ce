package dev.wharf.core.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.core.plan.Gate;
import dev.wharf.model.DriverName;
import dev.wharf.spi.Driver;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
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
    void whoListensHearsOfWhoeverComesAndGoesAndMayLook() {
        DriverGate<Named> gate = gate(Duration.ofSeconds(5));
        List<Integer> there = new ArrayList<>();
        gate.onChange(() -> there.add(gate.standings().size()));
        gate.add(old, NAME, 0, "1", true);
        gate.add(fresh, NAME, 1, "2", true);
        gate.remove(old);
        assertThat(there).containsExactly(1, 2, 1);
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

    @Test
    void whoeverMissesADriverHearsWhyTheOneThatIsThereCannotServe() {
        DriverGate<Named> gate = gate(Duration.ofMillis(10));
        gate.add(old, NAME, 0, "1", false, "there is no runtime", () -> true);

        assertThatThrownBy(() -> gate.use(NAME, Named::who))
                .hasMessage("driver \"" + NAME + "\" cannot work here: there is no runtime");
    }

    @Test
    void whatCanBeDoneWithoutWaitsForAHandOverAndForNobodyWhoIsAway() throws Exception {
        DriverGate<Named> gate = gate(Duration.ofSeconds(20));
        long began = System.nanoTime();
        assertThatThrownBy(() -> gate.useIfThere(NAME, Named::who)).hasMessageContaining("no driver");
        assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(5));
        gate.add(old, NAME, 0, "1", true);
        gate.shut(NAME);
        CompletableFuture<String> call = CompletableFuture.supplyAsync(() -> {
            try {
                return gate.useIfThere(NAME, Named::who);
            } catch (DriverException e) {
                throw new AssertionError(e);
            }
        });
        gate.add(fresh, NAME, 0, "2", true);
        assertThat(call).isNotDone();
        gate.open(NAME);
        assertThat(call.get(5, TimeUnit.SECONDS)).isEqualTo("new");
    }

    @Test
    @SuppressWarnings("NullAway")
    void anAnswerThatIsNoneAndWhatADriverMayNotThrowAreItsFailuresAndKeepNobodyInside() {
        DriverGate<Named> gate = gate(Duration.ofSeconds(5));
        gate.add(old, NAME, 0, "1", true);
        assertThatThrownBy(() -> gate.use(NAME, d -> null))
                .isInstanceOf(DriverException.class)
                .hasMessageContaining("gave no answer");
        assertThatThrownBy(() -> gate.use(NAME, d -> {
                    throw undeclared(new IOException("planted"));
                }))
                .isInstanceOf(DriverException.class)
                .hasMessageContaining("driver \"" + NAME + "\" broke")
                .hasMessageContaining("planted");
        assertThatThrownBy(() -> gate.use(NAME, d -> {
                    throw new NoClassDefFoundError("planted");
                }))
                .isInstanceOf(DriverException.class);
        assertThat(gate.standings())
                .singleElement()
                .satisfies(s -> assertThat(s.inside()).isZero());
    }

    /** What languages without checked exceptions throw. */
    @SuppressWarnings("unchecked")
    private static <T extends Throwable> T undeclared(Throwable thrown) throws T {
        throw (T) thrown;
    }

    @Test
    void ofTwoOfTheSameRankTheNewerServesAndTheChosenOneBeforeAll() throws DriverException {
        DriverGate<Named> gate = gate(Duration.ofSeconds(5));
        gate.add(old, NAME, 0, "1", true);
        gate.add(fresh, NAME, 0, "2", true);
        assertThat(gate.use(NAME, Named::who)).isEqualTo("new");
        assertThat(gate.serving()).containsExactly(fresh);
        gate.choose(NAME, Optional.of("1"));
        assertThat(gate.use(NAME, Named::who)).isEqualTo("old");
        assertThat(gate.wouldServe(NAME, 100)).isFalse();
        gate.choose(NAME, Optional.empty());
        assertThat(gate.use(NAME, Named::who)).isEqualTo("new");
    }

    @Test
    void whoComesWhileTheGateIsShutWaitsUntilItIsOpen() throws Exception {
        DriverGate<Named> gate = gate(Duration.ofSeconds(20));
        gate.add(old, NAME, 0, "1", true);
        assertThat(gate.drain(NAME, Duration.ofSeconds(5))).isZero();
        CompletableFuture<String> call = CompletableFuture.supplyAsync(() -> who(gate));
        gate.add(fresh, NAME, 0, "2", true);
        Thread.sleep(50);
        assertThat(call.isDone()).isFalse();
        gate.open(NAME);
        assertThat(call.get(5, TimeUnit.SECONDS)).isEqualTo("new");
    }

    @Test
    void whoStaysInsideLongerThanTheDrainMayTakeIsInterrupted() throws Exception {
        DriverGate<Named> gate = gate(Duration.ofSeconds(20));
        gate.add(old, NAME, 0, "1", true);
        CountDownLatch inside = new CountDownLatch(1);
        CompletableFuture<Boolean> interrupted = CompletableFuture.supplyAsync(() -> {
            try {
                return gate.use(NAME, d -> {
                    inside.countDown();
                    try {
                        Thread.sleep(20_000);
                        return false;
                    } catch (InterruptedException e) {
                        return true;
                    }
                });
            } catch (DriverException e) {
                throw new AssertionError(e);
            }
        });
        inside.await();
        assertThat(gate.drain(NAME, Duration.ofMillis(50))).isZero();
        assertThat(interrupted.get(5, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void aBriefCallThatIsLongIsOverdueAndALongOneIsNot() throws Exception {
        DriverGate<Named> gate = gate(Duration.ofSeconds(20));
        gate.add(old, NAME, 0, "1", true);
        CountDownLatch inside = new CountDownLatch(2);
        CountDownLatch finish = new CountDownLatch(1);
        Gate.Use<Named, String> stay = d -> {
            inside.countDown();
            try {
                finish.await();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
            return d.who();
        };
        Thread brief = new Thread(() -> quietly(() -> gate.use(NAME, stay)));
        Thread lasting = new Thread(() -> quietly(() -> gate.useLong(NAME, stay)));
        brief.start();
        lasting.start();
        inside.await();
        assertThat(gate.overdue(Duration.ofMinutes(1))).isEmpty();
        assertThat(gate.overdue(Duration.ZERO)).extracting(c -> c.thread()).containsExactly(brief);
        gate.forgive(Duration.ofHours(1).toNanos());
        assertThat(gate.overdue(Duration.ZERO))
                .as("the hour in which nothing ran does not count")
                .isEmpty();
        gate.forgive(-Duration.ofHours(1).toNanos());
        assertThat(gate.condemn(old, "it hangs")).isTrue();
        assertThat(gate.condemn(old, "it hangs")).isFalse();
        assertThat(gate.serving(NAME)).isEmpty();
        gate.abandon(old, brief);
        assertThat(gate.isInside(old, brief)).isFalse();
        finish.countDown();
        brief.join();
        lasting.join();
    }

    @Test
    void whoIsInsideMayAskAgainThoughTheGateIsShut() throws Exception {
        DriverGate<Named> gate = gate(Duration.ofSeconds(5));
        gate.add(old, NAME, 0, "1", true);
        String answer = gate.use(NAME, d -> {
            gate.shut(NAME);
            return gate.use(NAME, Named::who);
        });
        assertThat(answer).isEqualTo("old");
        gate.open(NAME);
        gate.remove(old);
        assertThat(gate.standings()).isEmpty();
    }

    private interface Call {
        void run() throws DriverException;
    }

    private static void quietly(Call call) {
        try {
            call.run();
        } catch (DriverException e) {
            throw new AssertionError(e);
        }
    }

    private static String who(DriverGate<Named> gate) {
        try {
            return gate.use(NAME, Named::who);
        } catch (DriverException e) {
            throw new AssertionError(e);
        }
    }
}
