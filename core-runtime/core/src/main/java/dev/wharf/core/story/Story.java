package dev.wharf.core.story;

import dev.wharf.core.agent.Follower.Moment;
import dev.wharf.core.event.Event;
import dev.wharf.core.journal.EventJournal.Actor;
import dev.wharf.core.journal.EventJournal.Cause;
import dev.wharf.core.state.Host;
import java.time.Instant;
import java.util.Optional;

/**
 * One event in plain words.
 *
 * @param name what people call the subject
 * @param words what happened to it, beginning in lower case: {@code started (pid 4711)}
 * @param by who asked for it, where somebody did: {@code root (docker)}
 */
public record Story(Instant at, String name, String words, Optional<String> by) {
    /** The detail of an actor that says which program spoke for it. */
    public static final String PROGRAM = "program";

    public static Story of(Moment moment) {
        return of(moment.event(), moment.cause(), moment.at(), moment.before(), moment.after());
    }

    /** Tells {@code event} with the names that were in use around it. */
    public static Story of(Event event, Cause cause, Instant at, Host before, Host after) {
        return new Story(at, name(event, before, after), Words.of(event, before, after), by(cause));
    }

    private static String name(Event event, Host before, Host after) {
        String now = Names.of(event.subject(), after);
        String then = Names.of(event.subject(), before);
        boolean gone = Portrait.of(event.subject(), after).isEmpty();
        return gone ? then : now;
    }

    /** What follows from an earlier batch was asked for there. */
    private static Optional<String> by(Cause cause) {
        return cause.because().isPresent() || cause.actor().kind() == Actor.Kind.WHARF
                ? Optional.empty()
                : Optional.of(words(cause.actor()));
    }

    /** An actor for people: {@code root (docker)}. */
    public static String words(Actor actor) {
        String program = actor.details().get(PROGRAM);
        return program == null || program.isEmpty() ? actor.name() : actor.name() + " (" + program + ")";
    }
}
