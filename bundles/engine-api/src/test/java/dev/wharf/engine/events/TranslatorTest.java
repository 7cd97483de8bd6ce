package dev.wharf.engine.events;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.core.agent.Follower;
import dev.wharf.core.event.ContainerEvent;
import dev.wharf.core.event.Event;
import dev.wharf.core.journal.CommandId;
import dev.wharf.core.journal.EventJournal.Actor;
import dev.wharf.core.journal.EventJournal.Cause;
import dev.wharf.core.journal.Position;
import dev.wharf.core.state.Host;
import dev.wharf.model.ContainerId;
import dev.wharf.model.ContainerSpec;
import dev.wharf.model.Exit;
import dev.wharf.model.InitProcess;
import dev.wharf.testkit.runtime.RuntimeSpecs;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class TranslatorTest {
    private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");
    private static final ContainerId WEB = new ContainerId("a".repeat(64));
    private static final InitProcess INIT = new InitProcess(7, 1, 6);

    private final Translator translator = new Translator();
    private Host host = Host.EMPTY;

    @Test
    void memoryThatRanOutIsToldOnceByWhicheverTellsIt() {
        assertThat(told(
                        created(),
                        new ContainerEvent.Started(WEB, INIT, NOW),
                        new ContainerEvent.OutOfMemory(WEB),
                        exited()))
                .as("the monitor says it, and then the end does")
                .containsExactly("create", "start", "oom", "die");
        assertThat(told(new ContainerEvent.Started(WEB, INIT, NOW), exited()))
                .as("of the next run nobody has said it")
                .containsExactly("start", "oom", "die");
    }

    private List<String> told(Event... events) {
        List<String> actions = new ArrayList<>();
        for (Event event : events) {
            Host before = host;
            host = event.apply(host);
            translator
                    .translate(new Follower.Moment(
                            Position.START,
                            0,
                            new Cause(new CommandId("c"), Optional.empty(), Actor.WHARF),
                            NOW,
                            event,
                            before,
                            host))
                    .forEach(e -> actions.add(e.action()));
        }
        return actions;
    }

    private static Event created() {
        ContainerSpec spec = RuntimeSpecs.of(Path.of("/"), "true").build().spec();
        return new ContainerEvent.Created(WEB, "web", spec, Optional.empty(), NOW);
    }

    private static Event exited() {
        return new ContainerEvent.Exited(WEB, new Exit(137, NOW, true, false));
    }
}
