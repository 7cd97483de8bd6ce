package dev.wharf.core.loop;

import dev.wharf.core.agent.Agent.JournalFacts;
import dev.wharf.core.agent.Maintenance;
import dev.wharf.core.event.Event;
import dev.wharf.core.event.HostEvent;
import dev.wharf.core.journal.BatchTooLargeException;
import dev.wharf.core.journal.EventJournal;
import dev.wharf.core.journal.EventJournal.Batch;
import dev.wharf.core.journal.Position;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes the host down whole now and then, after which what came before may go: a fold begins at the last checkpoint. What
 * writes must be called on the sequencer, so that nothing happens in between.
 */
final class Checkpoints {
    private static final Logger log = LoggerFactory.getLogger(Checkpoints.class);

    /** How many batches may follow a checkpoint before the next one is written. */
    private static final long EVERY = 20_000;

    /** How many subjects of a checkpoint one batch holds, at the most: a megabyte or two of containers. */
    private static final int PORTION = 256;

    /** What a follower keeps from being trimmed, and how large the journal may become for it. */
    private record Hold(Position after, long limitBytes) {}

    private final EventJournal journal;
    private final Replay replay;
    private final Sequencer sequencer;
    private final InstantSource clock;
    private final Optional<Duration> keep;
    private final Map<String, Hold> holds = new ConcurrentHashMap<>();
    private volatile Position last;

    /** @param keep how long the journal is kept behind the last checkpoint, empty for ever */
    Checkpoints(
            EventJournal journal,
            Replay replay,
            Sequencer sequencer,
            InstantSource clock,
            Optional<Duration> keep,
            Position last) {
        this.journal = journal;
        this.replay = replay;
        this.sequencer = sequencer;
        this.clock = clock;
        this.keep = keep;
        this.last = last;
    }

    /** Whether so much has happened that it is time for the next one; true once for each. */
    boolean isDue() {
        Position now = sequencer.view().position();
        if (now.sequence() - last.sequence() <= EVERY) {
            return false;
        }
        last = now;
        return true;
    }

    void write() {
        try {
            write(Optional.empty(), OptionalLong.empty());
        } catch (IOException e) {
            log.error("checkpoint cannot be written", e);
        }
    }

    /**
     * Writes everything down whole, and lets go what is older than has to be kept.
     *
     * @param keepInstead how long that is this time, empty for as long as usual
     */
    Maintenance.Checkpoint write(Optional<Duration> keepInstead, OptionalLong limitBytes) throws IOException {
        Position before = journal.end();
        Instant now = clock.instant();
        try {
            writeDown(Replay.recorded(sequencer.view().host()), now);
        } finally {
            if (journal.end().isAfter(before)) {
                sequencer.passed(journal.end());
            }
        }
        journal.sync();
        replay.remember(before, journal.end(), now);
        last = journal.end();
        long size = journal.sizeBytes();
        Optional<Duration> kept = keepInstead.or(() -> keep);
        if (kept.isPresent()) {
            trim(replay.lastCheckpointBefore(now.minus(kept.get())), now);
        }
        if (limitBytes.isPresent()) {
            shrink(limitBytes.getAsLong(), now);
        }
        return new Maintenance.Checkpoint(
                before, journal.origin(), Math.max(0, size - journal.sizeBytes()), journal.sizeBytes());
    }

    /** In as many batches as it takes: it is a checkpoint once the last of them is there. */
    private void writeDown(List<Event> recorded, Instant now) throws IOException {
        Deque<List<Event>> portions = new ArrayDeque<>();
        for (int i = 0; i < recorded.size(); i += PORTION) {
            portions.add(recorded.subList(i, Math.min(i + PORTION, recorded.size())));
        }
        Event mark = new HostEvent.CheckpointStarted();
        while (!portions.isEmpty()) {
            List<Event> portion = portions.remove();
            List<Event> events = new ArrayList<>(portion.size() + 2);
            events.add(mark);
            events.addAll(portion);
            if (portions.isEmpty()) {
                events.add(new HostEvent.CheckpointCompleted(recorded.size()));
            }
            try {
                journal.append(new Batch(House.OWN, now, events));
                mark = new HostEvent.CheckpointContinued();
            } catch (BatchTooLargeException e) {
                int half = portion.size() / 2;
                if (half == 0) {
                    throw e;
                }
                portions.push(portion.subList(half, portion.size()));
                portions.push(portion.subList(0, half));
            }
        }
    }

    /** Lets checkpoint after checkpoint go, the oldest first, until the journal is no larger than it should be. */
    private void shrink(long limitBytes, Instant now) throws IOException {
        Optional<Position> next = replay.nextCheckpoint(journal.origin());
        while (journal.sizeBytes() > limitBytes && next.isPresent()) {
            Position origin = journal.origin();
            trim(next, now);
            if (!journal.origin().isAfter(origin) && isHeld(next.get())) {
                return;
            }
            next = replay.nextCheckpoint(next.get());
        }
    }

    private boolean isHeld(Position position) {
        return holds.values().stream().anyMatch(hold -> position.isAfter(hold.after()));
    }

    /** Lets the oldest part of the journal go, up to a checkpoint, but for what is held. */
    private void trim(Optional<Position> upTo, Instant now) throws IOException {
        Optional<Position> end = upTo;
        for (Map.Entry<String, Hold> hold : holds.entrySet()) {
            Position held = hold.getValue().after();
            if (end.isPresent() && end.get().isAfter(held)) {
                if (journal.sizeBytes() <= hold.getValue().limitBytes()) {
                    end = replay.lastCheckpointAt(held);
                } else {
                    announceDrop(hold.getKey(), held.next(), end.get(), now);
                }
            }
        }
        if (end.isPresent() && end.get().isAfter(journal.origin())) {
            Position origin = journal.origin();
            journal.trim(end.get());
            if (journal.origin().isAfter(origin)) {
                log.info("journal trimmed upTo={} origin={}", end.get(), journal.origin());
            }
        }
    }

    /** Said before it is done, so that whoever reads on finds out what is missing and why. */
    private void announceDrop(String follower, Position first, Position end, Instant now) throws IOException {
        Position from =
                first.isAfter(journal.origin()) ? first : journal.origin().next();
        if (!end.isAfter(from)) {
            return;
        }
        log.warn("journal is too large to be kept any longer follower={} first={} last={}", follower, from, end);
        journal.append(new Batch(
                House.OWN,
                now,
                List.of(new HostEvent.HistoryDropped(
                        follower, from.sequence(), end.sequence() - 1, journal.sizeBytes()))));
        sequencer.passed(journal.end());
    }

    /** What comes after a position is kept for a follower, as long as the journal is no larger than the limit. */
    void hold(String follower, Position after, long limitBytes) {
        holds.put(follower, new Hold(after, limitBytes));
    }

    void release(String follower) {
        holds.remove(follower);
    }

    /** Where the last checkpoint begins, and when it was written. */
    Optional<JournalFacts.Checkpoint> latest() {
        return replay.lastCheckpoint()
                .map(c -> new JournalFacts.Checkpoint(new Position(c.getKey().sequence() + 1), c.getValue()));
    }

    /** How far each follower is for which something is held. */
    Map<String, Position> holds() {
        return holds.entrySet().stream()
                .collect(Collectors.toMap(
                        Map.Entry::getKey, hold -> hold.getValue().after()));
    }
}
