package dev.wharf.core.journal;

import dev.wharf.core.event.Event;
import dev.wharf.core.event.HostEvent;
import dev.wharf.model.Digest;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The record of everything that happened on this host, in order. One thread appends; many read. A batch that was appended
 * is whole or not there; a reader never sees half of one.
 */
public interface EventJournal extends AutoCloseable {
    /**
     * Appends all of the batch or none of it, and answers where it lies. After a failure that leaves doubt, every later call
     * fails too: a journal that cannot be trusted is not written to.
     *
     * @throws JournalFullException if there is no space for it; nothing was written, and a later try may succeed
     * @throws BatchTooLargeException if it has more bytes than a batch may have, or more than half of that and is a wish: a
     *     checkpoint writes down in one batch what was wished of a subject and all that became of it; nothing was written
     */
    Position append(Batch batch) throws IOException;

    /**
     * Whether there is space beyond what is kept for what must be written down in any case: outcomes, exits, and wishes that
     * give something back. Called by whoever appends.
     */
    boolean hasRoom();

    /** Makes every earlier append survive a loss of power; an append that was acknowledged after it is never lost. */
    void sync() throws IOException;

    /** Reads from just after {@code position}, first what is there, then what comes. */
    Reader open(Position position) throws IOException;

    /** The position of the last batch, or {@link Position#START}. */
    Position end();

    /** The position just before the first batch that is still here, {@link Position#START} if nothing was trimmed. */
    Position origin();

    /** The SHA-256 of the last record, which holds the one of the record before it, and so on to the first. */
    Digest head();

    /** Allows what lies before {@code position} to be deleted; a checkpoint must lie at or after it. */
    void trim(Position position) throws IOException;

    /** Walks every record and its chain; the first that is damaged, with what is wrong, or empty when all is well. */
    Optional<Damage> verify() throws IOException;

    /** What opening this journal found and mended, for the record; empty when it was closed cleanly. */
    Optional<Recovery> recovery();

    /** An empty journal of the same kind in another folder, which is made if it is not there. */
    EventJournal likewise(Path folder) throws IOException;

    /** The space the journal takes on disk, in bytes. */
    long sizeBytes();

    @Override
    void close() throws IOException;

    /** Events that became true together: why, when, and in which order. */
    record Batch(Cause cause, Instant at, List<Event> events) {
        public Batch {
            events = List.copyOf(events);
        }

        /** Whether this is a checkpoint or a part of one, which says again what was said. */
        public boolean isCheckpoint() {
            return !events.isEmpty() && HostEvent.marksCheckpoint(events.get(0));
        }
    }

    /** What a batch answers to: the command, the earlier batch that led here, and who asked. */
    record Cause(CommandId command, Optional<Position> because, Actor actor) {}

    /** Who asked: a local peer (uid, gid, pid, login uid), a TLS subject, a Kafka principal, or Wharf itself. */
    record Actor(Kind kind, String name, Map<String, String> details) {
        public static final Actor WHARF = new Actor(Kind.WHARF, "wharf", Map.of());

        public Actor {
            details = Map.copyOf(details);
        }

        /** How the actor came in. */
        public enum Kind {
            PEER,
            TLS,
            KAFKA,
            JMX,
            SHELL,
            WHARF
        }
    }

    /** One batch and where it lies. */
    record Entry(Position position, Batch batch) {}

    /** A record that is not what it was, and why we think so. */
    record Damage(Position position, String what) {}

    /** What was cut from the end of a journal that was not closed cleanly. */
    record Recovery(Position last, long droppedBytes, String reason) {}

    /** A place in the journal. One thread at a time; many readers side by side. */
    interface Reader extends AutoCloseable {
        /** The next batch, or empty when there is none yet. */
        Optional<Entry> poll() throws IOException;

        /**
         * The {@link EventJournal#head} of the journal as it was with the batch that {@link #poll} answered last, as the batch
         * after it has it where that was read already: whether that is true is for {@link EventJournal#verify} to say.
         */
        Digest head();

        /**
         * A copy of the event with this index in the batch that {@link #poll} answered last, as it lies in the journal, of the
         * version that is written now. Empty where it is older, or is not known without writing it again.
         */
        default Optional<byte[]> text(int index) {
            return Optional.empty();
        }

        @Override
        void close();
    }
}
