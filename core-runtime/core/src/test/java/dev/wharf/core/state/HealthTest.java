package dev.wharf.core.state;

import static dev.wharf.core.Given.T0;
import static dev.wharf.core.Given.WEB;
import static dev.wharf.core.Given.after;
import static dev.wharf.core.Given.created;
import static dev.wharf.core.Given.exited;
import static dev.wharf.core.Given.host;
import static dev.wharf.core.Given.run;
import static dev.wharf.core.Given.spec;
import static dev.wharf.core.Given.started;
import static dev.wharf.core.Given.the;
import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.core.event.ContainerEvent;
import dev.wharf.core.event.Event;
import dev.wharf.core.plan.ContainerStep;
import dev.wharf.core.plan.Plan;
import dev.wharf.core.plan.Proposal;
import dev.wharf.core.state.Container.Health;
import dev.wharf.core.state.Container.Probe;
import dev.wharf.model.ExecId;
import dev.wharf.model.RestartPolicy.Kind;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

class HealthTest {
    private static final ExecId EXEC = new ExecId("e".repeat(64));

    private Host host = after(
            host(created(
                    WEB,
                    "web",
                    spec().health(Duration.ofSeconds(10), Duration.ofSeconds(20), 2)
                            .make())),
            run(WEB, 1, T0));

    private Health health() {
        return the(host, WEB).health().orElseThrow();
    }

    /** An answer after so many seconds, and what the plan says about it. */
    private void answer(int second, int code) {
        Instant at = T0.plusSeconds(second);
        host = after(
                host, new ContainerEvent.Probed(WEB, the(host, WEB).generation(), EXEC, new Probe(at, at, code, "")));
        Proposal proposal = Plan.of(WEB).next(host, at, Set.of());
        host = after(host, proposal.says().toArray(Event[]::new));
    }

    @Test
    void itBeginsAsStarting() {
        assertThat(health()).isEqualTo(new Health(Health.STARTING, 0, List.of(), false));
    }

    @Test
    void oneGoodAnswerIsEnough() {
        answer(5, 0);
        assertThat(health().status()).isEqualTo(Health.HEALTHY);
    }

    @Test
    void failuresInTheStartPeriodDoNotCount() {
        answer(5, 1);
        answer(10, 1);
        answer(15, 1);
        assertThat(health().status()).isEqualTo(Health.STARTING);
        assertThat(health().failingStreak()).isZero();
        answer(20, 1);
        answer(30, 1);
        assertThat(health().status()).isEqualTo(Health.UNHEALTHY);
        assertThat(health().failingStreak()).isEqualTo(2);
    }

    @Test
    void onceItWasWellFailuresCountAtOnce() {
        answer(1, 0);
        answer(2, 1);
        assertThat(health().status()).isEqualTo(Health.HEALTHY);
        answer(3, -1);
        assertThat(health().status()).isEqualTo(Health.UNHEALTHY);
        answer(4, 0);
        assertThat(health().status()).isEqualTo(Health.HEALTHY);
        assertThat(health().failingStreak()).isZero();
    }

    @Test
    void theLastFiveAnswersAreKept() {
        for (int i = 1; i <= 8; i++) {
            answer(i, 0);
        }
        assertThat(health().log().stream().map(Probe::start))
                .containsExactly(
                        T0.plusSeconds(4), T0.plusSeconds(5), T0.plusSeconds(6), T0.plusSeconds(7), T0.plusSeconds(8));
    }

    @Test
    void itIsAskedOftenWhileItComesUpAndSeldomAfter() {
        assertThat(the(host, WEB).nextProbe()).contains(T0.plusSeconds(5));
        answer(5, 1);
        assertThat(the(host, WEB).nextProbe()).contains(T0.plusSeconds(10));
        answer(10, 0);
        assertThat(the(host, WEB).nextProbe()).contains(T0.plusSeconds(20));
    }

    @Test
    void itIsAskedOnWhenSomebodySetTheClockBack() {
        answer(-3600, 0);
        assertThat(health().status()).isEqualTo(Health.HEALTHY);
        assertThat(the(host, WEB).nextProbe()).contains(T0.plusSeconds(-3590));
    }

    @Test
    void thePlanAsksWhenItIsDueAndRestsUntilThen() {
        Proposal early = Plan.of(WEB).next(host, T0.plusSeconds(4), Set.of());
        assertThat(early.rests()).isTrue();
        assertThat(early.wakeAt()).contains(T0.plusSeconds(5));
        Proposal due = Plan.of(WEB).next(host, T0.plusSeconds(5), Set.of());
        assertThat(due.steps()).singleElement().isInstanceOfSatisfying(ContainerStep.AskHealth.class, ask -> {
            assertThat(ask.spec().arguments()).containsExactly("well");
            assertThat(ask.spec().env()).containsExactly("A=b");
            assertThat(ask.patience()).isEqualTo(Duration.ofSeconds(1));
        });
        assertThat(Plan.of(WEB).next(host, T0.plusSeconds(5), Set.of("health")).steps())
                .isEmpty();
    }

    @Test
    void nobodyAsksWhatIsPausedOrStopped() {
        Host paused = after(host, new ContainerEvent.PauseRequested(WEB), new ContainerEvent.Frozen(WEB, T0));
        assertThat(the(paused, WEB).nextProbe()).isEmpty();
        Host over = after(host, exited(WEB, 0, T0));
        assertThat(the(over, WEB).nextProbe()).isEmpty();
        assertThat(the(over, WEB).health().map(Health::status)).contains(Health.UNHEALTHY);
    }

    @Test
    void anAnswerOfAnotherRunSaysNothing() {
        host = after(host, new ContainerEvent.Probed(WEB, 7, EXEC, new Probe(T0, T0, 1, "")));
        assertThat(health().log()).isEmpty();
    }

    @Test
    void aNewRunStartsAnewAndRemembersTheOldAnswers() {
        Host back = after(
                host(created(
                        WEB,
                        "web",
                        spec().health(Duration.ofSeconds(10), Duration.ZERO, 1)
                                .restart(Kind.ALWAYS, 0)
                                .make())),
                run(WEB, 1, T0));
        back = after(
                back,
                new ContainerEvent.Probed(WEB, 1, EXEC, new Probe(T0.plusSeconds(10), T0.plusSeconds(10), 0, "")));
        back = after(back, exited(WEB, 1, T0.plusSeconds(11)), started(WEB, T0.plusSeconds(12)));
        Container web = the(back, WEB);
        assertThat(web.health().map(Health::status)).contains(Health.STARTING);
        assertThat(web.health().orElseThrow().log()).hasSize(1);
        assertThat(web.newVerdict())
                .as("an old answer is no verdict on the new run")
                .isEmpty();
        assertThat(web.nextProbe()).contains(T0.plusSeconds(22));
    }

    @Test
    void withoutACheckThereIsNoHealth() {
        Host plain = after(host(created(WEB, "web", spec().make())), run(WEB, 1, T0));
        assertThat(the(plain, WEB).health()).isEqualTo(Optional.empty());
        assertThat(the(plain, WEB).nextProbe()).isEmpty();
    }
}
