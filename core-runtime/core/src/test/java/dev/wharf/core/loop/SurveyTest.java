package dev.wharf.core.loop;

import static dev.wharf.core.Given.PROCESS;
import static dev.wharf.core.Given.T0;
import static dev.wharf.core.Given.WEB;
import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.core.Given;
import dev.wharf.core.event.ContainerEvent;
import dev.wharf.core.event.Event;
import dev.wharf.core.event.VolumeEvent;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.Goal;
import dev.wharf.core.state.Host;
import dev.wharf.model.Exit;
import dev.wharf.model.InitProcess;
import dev.wharf.model.Resources;
import dev.wharf.model.RestartPolicy;
import dev.wharf.model.VolumeName;
import dev.wharf.spi.runtime.OciRuntime.Found;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What is concluded from processes that the runtime knows and the journal does not. */
class SurveyTest {
    private static final Instant LATER = T0.plusSeconds(3600);

    private static final Event CREATED =
            new ContainerEvent.ProcessCreated(WEB, PROCESS, 1, Optional.of(Resources.UNLIMITED));

    @Test
    void aVolumeIsWhereItIsFoundAndNotWhereItWas() {
        VolumeName data = new VolumeName("data");
        Host host = Given.furnished(Given.volume("data"), new VolumeEvent.Ready(data, Path.of("/old/data")));

        List<Event> moved = Survey.volumes(host, Map.of(data, Path.of("/new/data")), Set.of());

        Host after = Given.after(host, moved.toArray(Event[]::new));
        assertThat(after.volume(data).orElseThrow().path().value()).contains(Path.of("/new/data"));
        assertThat(Survey.volumes(after, Map.of(data, Path.of("/new/data")), Set.of()))
                .isEmpty();
        assertThat(Survey.volumes(after, Map.of(), Set.of())).containsExactly(new VolumeEvent.Observed(data, false));
    }

    @Test
    void aStartThatWasNotRecordedHappenedWhenItDid() {
        Host host = Given.furnished(Given.created(WEB, "web", Given.spec().make()), start(), CREATED);

        Host after = survey(host, Optional.of(PROCESS), Optional.empty());

        assertThat(Given.the(after, WEB).isRunning()).isTrue();
        assertThat(Given.the(after, WEB).startedAt()).contains(T0);
    }

    @Test
    void aProcessThatRanAndEndedBeforeItsStartWasRecordedIsNotRunAgain() {
        Host host = Given.furnished(Given.created(WEB, "web", Given.spec().make()), start(), CREATED);

        Host after = survey(host, Optional.empty(), Optional.of(new Exit(7, T0.plusSeconds(1))));

        Container c = Given.the(after, WEB);
        assertThat(c.goal()).isEqualTo(Goal.STOPPED);
        assertThat(c.startedAt()).contains(T0);
        assertThat(c.exit().map(Exit::code)).contains(7);
    }

    @Test
    void aStartByThePolicyThatWasNotRecordedIsAdoptedToo() {
        Host host = Given.furnished(Given.created(
                WEB, "web", Given.spec().make().withRestartPolicy(new RestartPolicy(RestartPolicy.Kind.ALWAYS, 0))));
        host = Given.after(host, Given.run(WEB, 1, T0.minusSeconds(9)));
        host = Given.after(host, Given.exited(WEB, 1, T0.minusSeconds(5)), new ContainerEvent.ProcessDeleted(WEB));
        InitProcess next = new InitProcess(5, 6, 4);

        Host after = survey(host, Optional.of(next), Optional.empty());

        assertThat(Given.the(after, WEB).isRunning()).isTrue();
        assertThat(Given.the(after, WEB).process().value().orElseThrow().init()).isEqualTo(next);
    }

    @Test
    void whatIsLeftOfAProcessWhoseEndIsKnownSaysNothingOfTheNext() {
        Host host = Given.furnished(Given.created(WEB, "web", Given.spec().make()));
        host = Given.after(host, Given.run(WEB, 1, T0));
        host = Given.after(host, Given.exited(WEB, 1, T0.plusSeconds(1)), start());

        assertThat(survey(host, Optional.empty(), Optional.of(new Exit(1, T0.plusSeconds(1)))))
                .isEqualTo(host);
    }

    private static Event start() {
        return new ContainerEvent.StartRequested(WEB, List.of());
    }

    private static Host survey(Host host, Optional<InitProcess> alive, Optional<Exit> exit) {
        Found found = new Found(WEB, alive, Optional.of(T0), exit);
        return Given.after(
                host,
                Survey.process(Given.the(host, WEB), Optional.of(found), LATER).toArray(Event[]::new));
    }
}
