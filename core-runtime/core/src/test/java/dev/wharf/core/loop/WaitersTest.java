package dev.wharf.core.loop;

import static dev.wharf.core.Given.DB;
import static dev.wharf.core.Given.T0;
import static dev.wharf.core.Given.WEB;
import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.core.command.Decision;
import dev.wharf.core.event.ContainerEvent;
import dev.wharf.core.event.Event;
import dev.wharf.core.state.Host;
import dev.wharf.model.ContainerId;
import dev.wharf.model.SubjectId;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class WaitersTest {
    private final Waiters waiters = new Waiters();

    private static Event asked(ContainerId container) {
        return new ContainerEvent.RemoveRequested(container, false, T0);
    }

    private static Decision.Accepted removal(ContainerId container) {
        return Decision.accept(asked(container)).until(e -> e instanceof ContainerEvent.Removed);
    }

    private List<Event> answers(Event event, SubjectId... touched) {
        return waiters.answered(List.of(event), Set.of(touched), Host.EMPTY).stream()
                .map(Waiters.Answered::event)
                .toList();
    }

    @Test
    void anEventAsksOnlyThoseWhoWaitForItsSubject() {
        AtomicInteger askings = new AtomicInteger();
        waiters.add(
                Decision.accept(asked(WEB)).until(e -> {
                    askings.incrementAndGet();
                    return false;
                }),
                new CompletableFuture<>());
        CompletableFuture<Event> db = new CompletableFuture<>();
        waiters.add(removal(DB), db);
        Event removed = new ContainerEvent.Removed(DB);
        assertThat(waiters.answered(List.of(removed), Set.of(DB), Host.EMPTY))
                .containsExactly(new Waiters.Answered(db, removed));
        assertThat(askings).hasValue(0);
        assertThat(answers(removed, DB)).as("once").isEmpty();
    }

    @Test
    void anAnswerMayTouchWhatWasAskedForAndBeAboutSomethingElse() {
        waiters.add(removal(WEB), new CompletableFuture<>());
        Event other = new ContainerEvent.Removed(DB);
        assertThat(answers(other, DB)).isEmpty();
        assertThat(answers(other, DB, WEB)).containsExactly(other);
    }

    @Test
    void anAnswerThatCameEarlyIsKeptUntilTheHostIsSoByWhateverEvent() {
        AtomicBoolean so = new AtomicBoolean();
        waiters.add(removal(WEB).once(host -> so.get()), new CompletableFuture<>());
        Event removed = new ContainerEvent.Removed(WEB);
        assertThat(answers(removed, WEB)).isEmpty();
        assertThat(answers(asked(DB), DB)).isEmpty();
        so.set(true);
        assertThat(answers(asked(DB), DB)).containsExactly(removed);
        assertThat(answers(asked(DB), DB)).isEmpty();
    }

    @Test
    void whatComesToRestAnswersThoseWhoWereGrantedSomethingOfIt() {
        Event asked = asked(WEB);
        waiters.add(
                Decision.accept(asked(DB), asked).until(e -> e instanceof ContainerEvent.Removed),
                new CompletableFuture<>());
        assertThat(waiters.settled(DB)).isEmpty();
        assertThat(waiters.settled(WEB)).extracting(Waiters.Answered::event).containsExactly(asked);
        assertThat(answers(new ContainerEvent.Removed(DB), DB)).isEmpty();
    }

    @Test
    void whoIsTakenOutHearsNothingMoreFromHere() {
        CompletableFuture<Event> web = new CompletableFuture<>();
        CompletableFuture<Event> db = new CompletableFuture<>();
        Waiters.Waiter first = waiters.add(removal(WEB), web);
        waiters.add(removal(DB), db);
        waiters.remove(first);
        assertThat(answers(new ContainerEvent.Removed(WEB), WEB)).isEmpty();
        assertThat(waiters.clear()).containsExactly(db);
        assertThat(answers(new ContainerEvent.Removed(DB), DB)).isEmpty();
    }
}
