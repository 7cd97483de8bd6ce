package dev.wharf.core.loop;

import dev.wharf.core.journal.Position;

/** What the sequencer asks of whoever makes batches durable. */
interface Durability {
    /** How soon somebody out there should know of a batch. */
    enum Haste {
        /** Somebody waits for it. */
        NOW,
        /** Those who watch should see it as it happens. */
        SOON,
        /** It would not be missed: it rides along with the next batch that would, or goes after a while. */
        WHENEVER
    }

    /** A batch was appended. */
    void appended(Position position, Haste haste);

    /** Does {@code then} once the batch at {@code position} is durable, from any thread. */
    void whenDurable(Position position, Runnable then);

    /**
     * Does {@code then} once the batch at {@code position} is durable and everybody was told who waited for it, from any
     * thread; answers with false, and does nothing, where that is so already.
     */
    boolean afterTold(Position position, Runnable then);
}
