package dev.wharf.core.story;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.core.event.ContainerEvent;
import dev.wharf.core.event.Event;
import dev.wharf.core.event.HostEvent;
import dev.wharf.core.event.NetworkEvent;
import dev.wharf.core.journal.CommandId;
import dev.wharf.core.journal.EventJournal.Actor;
import dev.wharf.core.journal.EventJournal.Cause;
import dev.wharf.core.journal.Position;
import dev.wharf.core.state.Host;
import dev.wharf.model.ContainerId;
import dev.wharf.model.DriverName;
import dev.wharf.model.Exit;
import dev.wharf.model.InitProcess;
import dev.wharf.model.NetworkId;
import dev.wharf.model.NetworkSpec;
import dev.wharf.model.SubjectId;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class StoryTest {
    private static final Instant NOON = Instant.parse("2026-05-01T12:00:00Z");
    private static final ContainerId WEB = new ContainerId("ab".repeat(32));
    private static final NetworkId LAN = new NetworkId("cd".repeat(32));
    private static final Actor DOCKER = new Actor(Actor.Kind.PEER, "root", Map.of("program", "docker"));
    private static final Cause BY_DOCKER = new Cause(new CommandId("c1"), Optional.empty(), DOCKER);

    private final Host lan = new NetworkEvent.Created(
                    new NetworkSpec(
                            LAN,
                            "lan",
                            new DriverName("bridge"),
                            "br0",
                            List.of(),
                            false,
                            true,
                            false,
                            false,
                            Map.of(),
                            Map.of(),
                            Map.of()),
                    NOON)
            .apply(Host.EMPTY);

    @Test
    void everyEventInTheCatalogueHasWordsOfItsOwn() {
        List<Class<? extends Event>> silent = new ArrayList<>();
        walk(Event.class, silent);

        assertThat(silent).isEmpty();
    }

    private static void walk(Class<?> family, List<Class<? extends Event>> silent) {
        for (Class<?> member : family.getPermittedSubclasses()) {
            if (member.isSealed()) {
                walk(member, silent);
            } else if (!Words.knows(member.asSubclass(Event.class))) {
                silent.add(member.asSubclass(Event.class));
            }
        }
    }

    @Test
    void aStartIsToldWithItsPidAndWhoAsked() {
        Event started = new ContainerEvent.Started(WEB, new InitProcess(4711, 1, 4700), NOON);

        Story story = Story.of(started, BY_DOCKER, NOON, Host.EMPTY, Host.EMPTY);

        assertThat(story.words()).isEqualTo("started (pid 4711)");
        assertThat(story.by()).contains("root (docker)");
        assertThat(story.name()).isEqualTo("abababababab");
    }

    @Test
    void whatFollowsFromAnEarlierBatchWasAskedForThere() {
        Cause follows = new Cause(new CommandId("c1"), Optional.of(new Position(7)), DOCKER);
        Event exited = new ContainerEvent.Exited(WEB, new Exit(3, NOON));

        Story story = Story.of(exited, follows, NOON, Host.EMPTY, Host.EMPTY);

        assertThat(story.words()).isEqualTo("exited with code 3");
        assertThat(story.by()).isEmpty();
    }

    @Test
    void aSubjectThatIsGoneKeepsTheNameItHad() {
        Event removed = new NetworkEvent.Removed(LAN);

        Story story = Story.of(removed, BY_DOCKER, NOON, lan, removed.apply(lan));

        assertThat(story.name()).isEqualTo("lan");
        assertThat(story.words()).isEqualTo("network gone");
    }

    @Test
    void theHostItselfHasAName() {
        Story story = Story.of(new HostEvent.Booted("b", NOON), BY_DOCKER, NOON, lan, lan);

        assertThat(story.name()).isEqualTo("host");
    }

    @Test
    void aSubjectIsFoundByNameByTextFormAndByTheBeginningOfItsIdentifier() {
        assertThat(Names.find("lan", lan)).containsExactly(LAN);
        assertThat(Names.find("network:" + LAN, lan)).containsExactly(LAN);
        assertThat(Names.find("cdcdcd", lan)).containsExactly(LAN);
        assertThat(Names.find("c", lan)).isEmpty();
        assertThat(Names.find("host", lan)).containsExactly(new SubjectId.HostItself());
        assertThat(Names.find("wan", lan)).isEmpty();
    }

    @Test
    void aPortraitShowsWhatIsWantedAndWhatIsKnown() {
        Portrait portrait = Portrait.of(LAN, lan).orElseThrow();

        assertThat(portrait.goal()).isEqualTo("here");
        assertThat(portrait.facts()).contains(new Portrait.Line("device", "absent", ""));
        assertThat(Portrait.of(WEB, lan)).isEmpty();
    }

    @Test
    void sizesAreToldInDecimalUnits() {
        assertThat(Words.size(999)).isEqualTo("999 B");
        assertThat(Words.size(31_400_000)).isEqualTo("31.4 MB");
    }
}
