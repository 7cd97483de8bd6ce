package dev.wharf.testkit.journal;

import dev.wharf.core.event.Event;
import dev.wharf.core.event.HostEvent;
import dev.wharf.core.journal.CommandId;
import dev.wharf.core.journal.DamagedException;
import dev.wharf.core.journal.EventJournal;
import dev.wharf.core.journal.EventJournal.Actor;
import dev.wharf.core.journal.EventJournal.Batch;
import dev.wharf.core.journal.EventJournal.Cause;
import dev.wharf.core.journal.Position;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;

/** Batches to write, and all batches there are to read. */
final class Batches {
    private Batches() {}

    /** A small batch that says {@code word}. */
    static Batch saying(String word) {
        return of(List.of(new HostEvent.Swept("word", word)));
    }

    /** A batch that somebody asked for. */
    static Batch wishing(String word) {
        Batch same = saying(word);
        return new Batch(
                new Cause(new CommandId("wish"), Optional.empty(), same.cause().actor()), same.at(), same.events());
    }

    /** A batch of some size below {@code limit} bytes, with text that does not compress or repeat. */
    static Batch random(Random chance, int limit) {
        List<Event> events = new ArrayList<>();
        int count = 1 + chance.nextInt(3);
        for (int i = 0; i < count; i++) {
            events.add(new HostEvent.Swept("noise", noise(chance, 1 + chance.nextInt(limit / count))));
        }
        return of(events);
    }

    static String noise(Random chance, int length) {
        StringBuilder text = new StringBuilder(length);
        for (int i = 0; i < length; i++) {
            text.append((char) ('!' + 1 + chance.nextInt(90)));
        }
        return text.toString().replace('\\', '/');
    }

    private static Batch of(List<Event> events) {
        Actor actor = new Actor(Actor.Kind.PEER, "root", Map.of("uid", "0"));
        return new Batch(
                new Cause(CommandId.NONE, Optional.of(new Position(1)), actor),
                Instant.parse("2026-01-02T03:04:05.678901234Z"),
                events);
    }

    /** Everything a journal holds, and the positions that it says are damaged. */
    record Contents(TreeMap<Long, Batch> batches, TreeMap<Long, String> damaged) {
        List<Batch> inOrder() {
            return List.copyOf(batches.values());
        }
    }

    static Contents read(EventJournal journal) throws IOException {
        return read(journal, Position.START);
    }

    static Contents read(EventJournal journal, Position after) throws IOException {
        Contents contents = new Contents(new TreeMap<>(), new TreeMap<>());
        long before = Math.max(after.sequence(), journal.origin().sequence());
        try (EventJournal.Reader reader = journal.open(after)) {
            while (true) {
                try {
                    Optional<EventJournal.Entry> entry = reader.poll();
                    if (entry.isEmpty()) {
                        break;
                    }
                    long sequence = entry.get().position().sequence();
                    if (sequence != before + 1) {
                        throw new AssertionError("read " + sequence + " after " + before);
                    }
                    contents.batches().put(sequence, entry.get().batch());
                    before = sequence;
                } catch (DamagedException e) {
                    if (e.damage().position().sequence() != before + 1) {
                        throw new AssertionError("damage at " + e.damage() + " after " + before, e);
                    }
                    for (long at = before + 1; at <= e.last().sequence(); at++) {
                        contents.damaged().put(at, e.getMessage());
                    }
                    before = e.last().sequence();
                }
            }
        }
        if (before != Math.max(journal.end().sequence(), after.sequence())) {
            throw new AssertionError("the journal ends at " + journal.end() + " and its reader at " + before);
        }
        return contents;
    }
}
