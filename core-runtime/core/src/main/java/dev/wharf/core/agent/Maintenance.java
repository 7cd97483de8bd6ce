package dev.wharf.core.agent;

import dev.wharf.core.journal.Position;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletionStage;

/** What keeps the record and what is known of the world in order; it is done on a beat, and whenever somebody asks. */
public interface Maintenance {
    /**
     * Writes everything down whole, and lets the oldest part of the journal go: what is older than {@code keep}, or than the
     * agent's own setting where that is empty, and what makes the journal larger than {@code limitBytes}. What a follower has
     * yet to carry elsewhere stays as long as {@link Agent#hold} says.
     */
    CompletionStage<Checkpoint> checkpoint(Optional<Duration> keep, OptionalLong limitBytes);

    /** Looks at kernel and disk as they are now. Answers with how many differences from what was known were written down; may block. */
    int survey();

    /** Collects garbage and gives back what memory is left over, as after a start or a burst; stops the agent for a moment. */
    void giveBackMemory();

    /**
     * A checkpoint that was written.
     *
     * @param before the position just before it
     * @param origin the position just before the first batch that is still here
     * @param trimmedBytes what the journal became smaller by
     */
    record Checkpoint(Position before, Position origin, long trimmedBytes, long sizeBytes) {}
}
