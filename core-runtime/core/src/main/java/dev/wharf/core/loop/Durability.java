package dev.wharf.core.loop;

import dev.wharf.core.journal.Position;

/** What the sequencer asks of whoever makes batches durable. */
interface Durability {
    /** A batch was appended; {@code soon} when somebody out there should know of it now. */
    void appended(Position position, boolean soon);

    /** Does {@code then} once the batch at {@code position} is durable, from any thread. */
    void whenDurable(Position position, Runnable then);
}
