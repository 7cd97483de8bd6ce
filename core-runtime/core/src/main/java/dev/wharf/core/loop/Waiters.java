package dev.wharf.core.loop;

import dev.wharf.core.command.Decision;
import dev.wharf.core.event.Event;
import dev.wharf.core.state.Host;
import dev.wharf.model.SubjectId;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * Those who wait for the event that answers their command. It is about a subject that the command was about, so each event asks
 * only those who wait for its own: a removal of thousands of containers is no longer work for being one. Owned by the thread of
 * the sequencer.
 */
final class Waiters {
    private final Map<SubjectId, List<Waiter>> waiting = new HashMap<>();

    /** Those whose answer came, and is kept back until the host is as it shall be, by whatever event. */
    private final Set<Waiter> held = new LinkedHashSet<>();

    /** Somebody who waits for an event that follows the one that granted the wish. */
    static final class Waiter {
        private final Event granted;
        private final Predicate<Event> until;
        private final Predicate<Host> once;
        private final Set<SubjectId> about;
        private final CompletableFuture<Event> answer;
        private Optional<Event> heard = Optional.empty();

        private Waiter(Decision.Accepted accepted, CompletableFuture<Event> answer) {
            List<Event> events = accepted.events();
            this.granted = events.get(events.size() - 1);
            this.until = accepted.until();
            this.once = accepted.once();
            this.about = events.stream().map(Event::subject).collect(Collectors.toSet());
            this.answer = answer;
        }

        CompletableFuture<Event> answer() {
            return answer;
        }
    }

    /** Somebody who waits no more, for this is the answer. */
    record Answered(CompletableFuture<Event> answer, Event event) {}

    Waiter add(Decision.Accepted accepted, CompletableFuture<Event> answer) {
        Waiter waiter = new Waiter(accepted, answer);
        waiter.about.forEach(subject ->
                waiting.computeIfAbsent(subject, first -> new ArrayList<>(1)).add(waiter));
        return waiter;
    }

    void remove(Waiter waiter) {
        waiter.about.forEach(subject -> waiting.computeIfPresent(subject, (same, all) -> {
            all.remove(waiter);
            return all.isEmpty() ? null : all;
        }));
        held.remove(waiter);
    }

    /**
     * Takes out those whom these events answer.
     *
     * @param changed what the events are about, and what else they touch
     * @param host as they made it
     */
    List<Answered> answered(List<Event> events, Set<SubjectId> changed, Host host) {
        Set<Waiter> told = new LinkedHashSet<>(held);
        for (SubjectId subject : changed) {
            for (Waiter waiter : waiting.getOrDefault(subject, List.of())) {
                if (waiter.heard.isEmpty()) {
                    waiter.heard = events.stream().filter(waiter.until).findFirst();
                }
                if (waiter.heard.isPresent()) {
                    told.add(waiter);
                }
            }
        }
        List<Answered> answered = new ArrayList<>();
        for (Waiter waiter : told) {
            if (waiter.once.test(host)) {
                remove(waiter);
                answered.add(new Answered(waiter.answer, waiter.heard.orElseThrow()));
            } else {
                held.add(waiter);
            }
        }
        return answered;
    }

    /**
     * Takes out those who wait for an event about a subject that came to rest, for none comes: whatever was wished of it is so,
     * or was overtaken by another wish. A layer that rests says nothing of the pull that wanted it.
     */
    List<Answered> settled(SubjectId subject) {
        List<Waiter> over = waiting.getOrDefault(subject, List.of()).stream()
                .filter(waiter -> waiter.granted.subject().equals(subject))
                .toList();
        over.forEach(this::remove);
        return over.stream()
                .map(waiter -> new Answered(waiter.answer, waiter.heard.orElse(waiter.granted)))
                .toList();
    }

    /** Takes out all. */
    Set<CompletableFuture<Event>> clear() {
        Set<CompletableFuture<Event>> all = waiting.values().stream()
                .flatMap(List::stream)
                .map(Waiter::answer)
                .collect(Collectors.toSet());
        waiting.clear();
        held.clear();
        return all;
    }
}
