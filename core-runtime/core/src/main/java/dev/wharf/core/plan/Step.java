package dev.wharf.core.plan;

import dev.wharf.core.event.Event;
import dev.wharf.model.SubjectId;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import java.time.Instant;

/** One effect, as data. It may be run again after a crash, so it asks only for what may be repeated. */
public interface Step {
    SubjectId subject();

    /** The rung it works on; steps of one rung never overlap. */
    String rung();

    /** Whether it destroys something that no later step could bring back. */
    default boolean destroys() {
        return false;
    }

    /**
     * Whether it clears away what a process that ended has left, which those who wait for that end need not wait for: it
     * begins when they were told.
     */
    default boolean tidies() {
        return false;
    }

    /**
     * Whether it asks and changes nothing, and may take its time: then it needs no lane, and nothing that is seen of its
     * subject waits for it.
     */
    default boolean asks() {
        return false;
    }

    /** Does the effect and answers with the event that records it. */
    Event run(Drivers drivers) throws DriverException;

    /** The event that records that {@link #run} failed. */
    Event failed(Failure failure, Instant now);
}
