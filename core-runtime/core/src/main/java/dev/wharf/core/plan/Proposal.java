package dev.wharf.core.plan;

import dev.wharf.core.event.Event;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What a plan wants: facts to write down, steps to begin side by side, a time to be asked again. With nothing of these it
 * either rests, until an event touches its subject, or awaits another subject and is asked again every turn.
 */
public record Proposal(List<Event> says, List<Step> steps, Optional<Instant> wakeAt, boolean rests) {
    public static final Proposal REST = new Proposal(List.of(), List.of(), Optional.empty(), true);

    /** Something is under way elsewhere; ask again after the next event. */
    public static final Proposal AWAIT = new Proposal(List.of(), List.of(), Optional.empty(), false);

    public Proposal {
        says = List.copyOf(says);
        steps = List.copyOf(steps);
    }

    public static Proposal step(Step step) {
        return new Proposal(List.of(), List.of(step), Optional.empty(), false);
    }

    public static Proposal say(Event... events) {
        return new Proposal(List.of(events), List.of(), Optional.empty(), false);
    }

    public static Proposal say(List<Event> events) {
        return new Proposal(events, List.of(), Optional.empty(), false);
    }

    public static Proposal until(Instant wakeAt) {
        return new Proposal(List.of(), List.of(), Optional.of(wakeAt), false);
    }

    /** Everything wanted is there; ask again at a time. */
    public static Proposal restUntil(Instant wakeAt) {
        return new Proposal(List.of(), List.of(), Optional.of(wakeAt), true);
    }

    /** Both at once; it rests when both do, and wakes for the earlier. */
    Proposal and(Proposal other) {
        List<Event> allSays = new ArrayList<>(says);
        allSays.addAll(other.says);
        List<Step> allSteps = new ArrayList<>(steps);
        allSteps.addAll(other.steps);
        Optional<Instant> earlier = wakeAt.isEmpty()
                ? other.wakeAt
                : other.wakeAt.isEmpty() || wakeAt.get().isBefore(other.wakeAt.get()) ? wakeAt : other.wakeAt;
        return new Proposal(allSays, allSteps, earlier, rests && other.rests);
    }
}
