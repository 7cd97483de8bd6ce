package dev.wharf.core.state;

import static dev.wharf.core.Given.PROCESS;
import static dev.wharf.core.Given.T0;
import static dev.wharf.core.Given.WEB;
import static dev.wharf.core.Given.after;
import static dev.wharf.core.Given.created;
import static dev.wharf.core.Given.exited;
import static dev.wharf.core.Given.furnished;
import static dev.wharf.core.Given.grant;
import static dev.wharf.core.Given.host;
import static dev.wharf.core.Given.run;
import static dev.wharf.core.Given.spec;
import static dev.wharf.core.Given.started;
import static dev.wharf.core.Given.the;
import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.core.command.ContainerCommand;
import dev.wharf.core.event.ContainerEvent;
import dev.wharf.core.event.HostEvent;
import dev.wharf.model.RestartPolicy;
import dev.wharf.model.RestartPolicy.Kind;
import dev.wharf.model.Signal;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class RestartTest {
    private static Host running(Kind kind, int most) {
        return after(host(created(WEB, "web", spec().restart(kind, most).make())), run(WEB, 1, T0));
    }

    private static Duration waitAfter(Host host, Instant exit) {
        return Duration.between(exit, the(host, WEB).restartAt().orElseThrow());
    }

    @Test
    void theWaitDoublesFromATenthOfASecondToAMinute() {
        Host host = running(Kind.ALWAYS, 0);
        Instant now = T0;
        List<Long> waits = new ArrayList<>();
        for (int i = 0; i < 13; i++) {
            now = now.plusSeconds(1);
            host = after(host, exited(WEB, 1, now));
            waits.add(waitAfter(host, now).toMillis());
            now = the(host, WEB).restartAt().orElseThrow();
            host = after(host, started(WEB, now));
        }
        assertThat(waits)
                .containsExactly(
                        100L, 200L, 400L, 800L, 1600L, 3200L, 6400L, 12800L, 25600L, 51200L, 60000L, 60000L, 60000L);
        assertThat(the(host, WEB).restarts()).isEqualTo(13);
    }

    @Test
    void aRunOfTenSecondsMakesTheWaitShortAgain() {
        Host host = running(Kind.ALWAYS, 0);
        Instant now = T0;
        for (int i = 0; i < 5; i++) {
            host = after(host, exited(WEB, 1, now), started(WEB, now));
        }
        now = now.plusSeconds(10);
        host = after(host, exited(WEB, 1, now));
        assertThat(waitAfter(host, now)).isEqualTo(Duration.ofMillis(100));
        host = after(host, started(WEB, now), exited(WEB, 1, now));
        assertThat(waitAfter(host, now)).isEqualTo(Duration.ofMillis(200));
        assertThat(the(host, WEB).restarts()).isEqualTo(7);
    }

    @Test
    void onFailureGivesUpAfterItsCountAndAfterSuccess() {
        Host host = running(Kind.ON_FAILURE, 2);
        for (int i = 0; i < 2; i++) {
            host = after(host, exited(WEB, 3, T0));
            assertThat(the(host, WEB).isRestarting()).isTrue();
            host = after(host, started(WEB, T0));
        }
        Host failed = after(host, exited(WEB, 3, T0));
        assertThat(the(failed, WEB).goal()).isEqualTo(Goal.STOPPED);
        assertThat(the(failed, WEB).restarts()).isEqualTo(2);
        Host well = after(running(Kind.ON_FAILURE, 2), exited(WEB, 0, T0));
        assertThat(the(well, WEB).goal()).isEqualTo(Goal.STOPPED);
    }

    @Test
    void aStartByHandForgetsTheCount() {
        Host host = after(running(Kind.ON_FAILURE, 1), exited(WEB, 1, T0), started(WEB, T0), exited(WEB, 1, T0));
        assertThat(the(host, WEB).restarts()).isEqualTo(1);
        host = after(host, run(WEB, 3, T0));
        assertThat(the(host, WEB).restarts()).isZero();
        host = after(host, exited(WEB, 1, T0));
        assertThat(waitAfter(host, T0)).isEqualTo(Duration.ofMillis(100));
    }

    @Test
    void theLastEndIsRememberedWhileTheNextRunIsOn() {
        Host host = after(running(Kind.ALWAYS, 0), exited(WEB, 3, T0), started(WEB, T0.plusMillis(100)));
        assertThat(the(host, WEB).isRunning()).isTrue();
        assertThat(the(host, WEB).exit().orElseThrow().code()).isEqualTo(3);
    }

    @Test
    void aStopThatAStartOvertookSuspendsNoPolicy() {
        Host made = furnished(
                created(WEB, "web", spec().restart(Kind.ALWAYS, 0).make()),
                new ContainerEvent.StartRequested(WEB, List.of()),
                new ContainerEvent.ProcessCreated(WEB, PROCESS, 1, Optional.empty()));
        Host again = after(
                grant(made, new ContainerCommand.Stop(WEB, Optional.empty(), Optional.empty()), T0),
                new ContainerEvent.StartRequested(WEB, List.of()));

        Host anew = after(
                again,
                new ContainerEvent.ProcessDeleted(WEB),
                new ContainerEvent.ProcessCreated(WEB, PROCESS, 2, Optional.empty()),
                started(WEB, T0));
        assertThat(the(after(anew, exited(WEB, 1, T0)), WEB).isRestarting()).isTrue();

        Host late = after(again, started(WEB, T0));
        assertThat(the(late, WEB).process().last().orElseThrow().generation())
                .as("what was let go just before the stop is not what was started after it")
                .isEqualTo(1);
        Host over = after(late, exited(WEB, 143, T0));
        assertThat(the(over, WEB).goal()).isEqualTo(Goal.RUNNING);
        assertThat(the(over, WEB).stopping()).isEmpty();
    }

    @Test
    void aStopByHandSuspendsThePolicy() {
        Host host =
                grant(running(Kind.ALWAYS, 0), new ContainerCommand.Stop(WEB, Optional.empty(), Optional.empty()), T0);
        host = after(host, exited(WEB, 137, T0));
        assertThat(the(host, WEB).goal()).isEqualTo(Goal.STOPPED);
        assertThat(the(host, WEB).restartAt()).isEmpty();
    }

    @Test
    void aStopWhileItWaitsEndsTheWait() {
        Host host = after(running(Kind.ALWAYS, 0), exited(WEB, 1, T0));
        host = grant(host, new ContainerCommand.Stop(WEB, Optional.empty(), Optional.empty()), T0);
        assertThat(the(host, WEB).isRestarting()).isFalse();
        assertThat(the(host, WEB).goal()).isEqualTo(Goal.STOPPED);
    }

    @Test
    void theStopSignalByHandSuspendsThePolicyAndAnyOtherDoesNot() {
        Host asked = after(
                running(Kind.ALWAYS, 0), new ContainerEvent.Signaled(WEB, Signal.TERM, true), exited(WEB, 143, T0));
        assertThat(the(asked, WEB).goal()).isEqualTo(Goal.STOPPED);
        Host reloaded = after(
                running(Kind.ALWAYS, 0),
                new ContainerEvent.Signaled(WEB, Signal.parse("HUP"), true),
                exited(WEB, 129, T0));
        assertThat(the(reloaded, WEB).isRestarting()).isTrue();
    }

    @Test
    void whatIsPausedAndDiesComesBackRunning() {
        Host host = after(
                running(Kind.ALWAYS, 0),
                new ContainerEvent.PauseRequested(WEB),
                new ContainerEvent.Frozen(WEB, T0),
                exited(WEB, 137, T0));
        assertThat(the(host, WEB).isRestarting()).isTrue();
        assertThat(the(host, WEB).frozen().isAbsent()).isTrue();
    }

    @Test
    void anUpdateOfThePolicyCountsForTheRunOfNow() {
        Host host = grant(
                running(Kind.NO, 0),
                new ContainerCommand.Update(
                        WEB, spec().make().resources(), Optional.of(new RestartPolicy(Kind.UNLESS_STOPPED, 0))),
                T0);
        assertThat(the(after(host, exited(WEB, 0, T0)), WEB).isRestarting()).isTrue();
    }

    @Test
    void autoRemoveRemovesAtTheEnd() {
        Host host = after(host(created(WEB, "web", spec().autoRemove().make())), run(WEB, 1, T0));
        host = after(host, exited(WEB, 0, T0));
        assertThat(the(host, WEB).goal()).isEqualTo(Goal.REMOVED);
        assertThat(the(host, WEB).removeVolumes()).isTrue();
    }

    // ---- when the agent starts, and when the kernel did

    @Test
    void whatTheStartOfTheAgentBringsBackDependsOnWhoStoppedIt() {
        Host always = stopped(Kind.ALWAYS);
        Host unless = stopped(Kind.UNLESS_STOPPED);
        assertThat(the(always, WEB).comesBack()).isTrue();
        assertThat(the(unless, WEB).comesBack()).isFalse();
        assertThat(the(stopped(Kind.ON_FAILURE), WEB).comesBack()).isFalse();
        assertThat(the(stopped(Kind.NO), WEB).comesBack()).isFalse();
        Host broken = after(
                running(Kind.UNLESS_STOPPED, 0),
                new ContainerEvent.StartRequested(WEB, List.of()),
                new ContainerEvent.Failed(
                        WEB, "created", new dev.wharf.spi.Failure(dev.wharf.spi.Failure.Kind.FAILED, "no space left")));
        assertThat(the(broken, WEB).comesBack()).isTrue();
    }

    @Test
    void whatNeverRanOrStillRunsIsNotBroughtBack() {
        Host host = host(created(WEB, "web", spec().restart(Kind.ALWAYS, 0).make()));
        assertThat(the(host, WEB).comesBack()).isFalse();
        assertThat(the(running(Kind.ALWAYS, 0), WEB).comesBack()).isFalse();
        assertThat(the(after(running(Kind.ALWAYS, 0), exited(WEB, 1, T0)), WEB).comesBack())
                .isFalse();
    }

    private static Host stopped(Kind kind) {
        return after(
                grant(running(kind, 0), new ContainerCommand.Stop(WEB, Optional.empty(), Optional.empty()), T0),
                exited(WEB, 137, T0));
    }

    @Test
    void aNewBootTakesWhatTheKernelHeldAndLeavesTheDisk() {
        Host host = after(
                host(new HostEvent.Booted("one", T0)),
                created(WEB, "web", spec().restart(Kind.ALWAYS, 0).make()));
        host = after(after(host, run(WEB, 1, T0)), new HostEvent.Booted("two", T0.plusSeconds(60)));
        Container web = the(host, WEB);
        assertThat(web.isRunning()).isFalse();
        assertThat(web.isRestarting()).isTrue();
        assertThat(web.exit().orElseThrow().code()).isEqualTo(255);
        assertThat(web.exit().orElseThrow().inferred()).isTrue();
        assertThat(List.of(web.mount(), web.sandbox(), web.process(), web.remains()))
                .allMatch(Fact::isAbsent);
        assertThat(web.rootfs().isPresent()).isTrue();
    }

    @Test
    void theSameBootChangesNothing() {
        Host host = after(host(new HostEvent.Booted("one", T0)), created(WEB, "web", spec().make()));
        host = after(host, run(WEB, 1, T0));
        assertThat(the(host, WEB).isRunning()).isTrue();
    }
}
