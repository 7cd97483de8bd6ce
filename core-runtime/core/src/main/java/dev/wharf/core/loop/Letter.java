package dev.wharf.core.loop;

import dev.wharf.core.command.Command;
import dev.wharf.core.event.Event;
import dev.wharf.core.journal.EventJournal.Cause;
import dev.wharf.core.journal.Position;
import dev.wharf.core.plan.Step;
import dev.wharf.core.state.Host;
import dev.wharf.model.SubjectId;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiFunction;

/** What comes to the sequencer, one at a time. */
sealed interface Letter {
    /** Somebody wishes something and waits for the answer. */
    record Wish(Command command, Cause cause, CompletableFuture<Event> answer) implements Letter {}

    /** A step came back; {@code answer} is told where the step was an act that somebody waits for. */
    record Outcome(Step step, Event event, boolean failed) implements Letter {}

    /** It is time to look at a subject again, as {@code at} is reached, whatever a clock says that was set back meanwhile. */
    record Alarm(SubjectId subject, Instant at) implements Letter {}

    /**
     * Somebody looked at the world. What that means is judged on the sequencer, against the host as it is when the letter is
     * opened.
     */
    record Observation(List<SubjectId> about, BiFunction<Host, Instant, List<Event>> meaning) implements Letter {}

    /** Somebody feels whether letters are still opened; answered before anything else, as nothing need be written for it. */
    record Pulse(CompletableFuture<Position> felt) implements Letter {}

    /** Something the sequencer's own thread must do between turns. */
    record Errand(Runnable errand) implements Letter {}
}
