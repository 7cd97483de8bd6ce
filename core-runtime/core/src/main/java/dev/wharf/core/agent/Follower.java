package dev.wharf.core.agent;

import dev.wharf.core.event.Event;
import dev.wharf.core.journal.EventJournal;
import dev.wharf.core.journal.EventJournal.Cause;
import dev.wharf.core.journal.Position;
import dev.wharf.core.state.Host;
import dev.wharf.model.Digest;
import java.io.IOException;
import java.time.Instant;
import java.util.Optional;

/**
 * A reader of the journal that folds as it goes. It holds no thread: poll until empty, then ask to be woken. It sees durable
 * batches only, and loses none however slow it is. One thread at a time.
 */
public interface Follower extends AutoCloseable {
    /** The next event, or empty when there is none yet. */
    Optional<Moment> poll() throws IOException;

    /**
     * The journal's head as it was with the batch of the moment that {@link #poll} answered last: the end of its chain. Ask
     * before polling again.
     */
    Digest head();

    /**
     * The event that {@link #poll} answered last, as {@link EventJournal.Reader#text} has it. Ask before polling again.
     */
    default Optional<byte[]> text() {
        return Optional.empty();
    }

    /** Calls {@code wake} once when {@link #poll} may have more; may call at once, and from any thread. */
    void onMore(Runnable wake);

    @Override
    void close();

    /**
     * One event in its place.
     *
     * @param index which event of its batch this is, from 0
     * @param before and {@code after} the whole host around it
     */
    record Moment(Position position, int index, Cause cause, Instant at, Event event, Host before, Host after) {}
}
