package dev.wharf.core.command;

import dev.wharf.core.event.Event;
import dev.wharf.core.plan.Step;
import dev.wharf.core.state.Host;
import java.util.List;
import java.util.function.Predicate;

/** What becomes of a wish. */
public sealed interface Decision {
    /**
     * The wish is granted: these events are so from now on.
     *
     * @param until tells which event answers the caller, of those that are about a subject of {@code events} or touch one; one of
     *     {@code events} answers at once
     * @param once the answer is kept back until the host is so: whoever has it may count on what comes with it
     */
    record Accepted(List<Event> events, Predicate<Event> until, Predicate<Host> once) implements Decision {
        public Accepted {
            events = List.copyOf(events);
        }

        /** The same, answered by a later event. */
        public Accepted until(Predicate<Event> answer) {
            return new Accepted(events, answer, once);
        }

        /** The same, with the answer kept back until the host is {@code so}. */
        public Accepted once(Predicate<Host> so) {
            return new Accepted(events, until, so);
        }
    }

    /** Something that must happen at most once: done now, recorded after, never repeated by recovery. */
    record Acted(Step step) implements Decision {}

    /** The wish is not granted. */
    record Refused(Refusal refusal) implements Decision {}

    /** Granted, and answered by the last of these events as soon as they are written. */
    static Accepted accept(Event... events) {
        Event last = events[events.length - 1];
        return new Accepted(List.of(events), e -> e == last, host -> true);
    }

    /** Granted, and answered by the last of these events as soon as they are written. */
    static Accepted accept(List<Event> events) {
        return accept(events.toArray(Event[]::new));
    }

    static Acted act(Step step) {
        return new Acted(step);
    }

    static Refused refuse(Refusal.Kind kind, String message) {
        return new Refused(new Refusal(kind, message));
    }
}
