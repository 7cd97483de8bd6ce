package dev.wharf.core.loop;

import dev.wharf.core.event.Event;
import dev.wharf.core.event.HostEvent;
import dev.wharf.core.journal.CommandId;
import dev.wharf.core.journal.DamagedException;
import dev.wharf.core.journal.EventJournal;
import dev.wharf.core.journal.EventJournal.Batch;
import dev.wharf.core.journal.EventJournal.Entry;
import dev.wharf.core.journal.Position;
import dev.wharf.core.state.Host;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Folds the journal into a host. The places of whole checkpoints are kept in a small file beside the journal, so that a long
 * history need not be read to start, nor for a look back; the file is a hint and never trusted beyond what the journal says.
 */
final class Replay {
    private static final Logger log = LoggerFactory.getLogger(Replay.class);

    private final EventJournal journal;
    private final Path hint;

    /** The whole checkpoints that are known, by the position before each. */
    private final TreeMap<Position, Checkpoint> checkpoints = new TreeMap<>();

    /**
     * A checkpoint in the batches up to {@code last}.
     *
     * @param sure whether the journal says so, and not only the file beside it
     */
    private record Checkpoint(Position last, Instant at, boolean sure) {}

    /**
     * A host that was folded, and what was learnt on the way.
     *
     * @param answered the last event of each command's first batch, for commands that may be delivered again
     * @param lost what could not be read, in words
     */
    record Folded(Host host, Position position, Map<CommandId, Event> answered, int batches, List<String> lost) {}

    Replay(EventJournal journal, Path hint) {
        this.journal = journal;
        this.hint = hint;
    }

    /** The host as of the last batch. */
    Folded latest() throws IOException {
        Optional<Position> hinted = readHints();
        Position from = hinted.filter(this::isWithin).orElse(journal.origin());
        Folded folded = fold(from, e -> true);
        if (!from.equals(journal.origin()) && !isSure(from)) {
            log.warn("checkpoint hint leads nowhere, reading the whole journal hint={}", from);
            folded = fold(journal.origin(), e -> true);
        }
        // The file was written when the checkpoint behind that place was whole.
        if (hinted.isPresent() && !journal.end().isAfter(hinted.get())) {
            String end = "the journal ends at " + journal.end() + ", and there was a checkpoint after " + hinted.get();
            log.error("records of the journal are gone: {}", end);
            folded.lost().add(end);
        }
        return folded;
    }

    private boolean isWithin(Position at) {
        return !at.isAfter(journal.end()) && !journal.origin().isAfter(at);
    }

    /** The host just after the last batch that {@code wanted} accepts, reading from a checkpoint before it. */
    Host until(Position checkpoint, Predicate<Entry> wanted) throws IOException {
        return fold(checkpoint, wanted).host();
    }

    /** The last checkpoint that is whole at {@code position}, or the journal's origin: one that is not says only half of it. */
    Position checkpointWithin(Position position) {
        return last(c -> !c.last().isAfter(position)).map(Map.Entry::getKey).orElse(journal.origin());
    }

    private Optional<Map.Entry<Position, Checkpoint>> last(Predicate<Checkpoint> accepted) {
        return found(all -> all.descendingMap().entrySet().stream()
                .filter(c -> accepted.test(c.getValue()))
                .findFirst());
    }

    /** What a search finds first that is a checkpoint indeed. */
    private Optional<Map.Entry<Position, Checkpoint>> found(
            Function<NavigableMap<Position, Checkpoint>, Optional<Map.Entry<Position, Checkpoint>>> search) {
        while (true) {
            Optional<Map.Entry<Position, Checkpoint>> candidate;
            synchronized (checkpoints) {
                checkpoints.headMap(journal.origin(), false).clear();
                candidate = search.apply(checkpoints).map(Map.Entry::copyOf);
            }
            if (candidate.isEmpty() || candidate.get().getValue().sure()) {
                return candidate;
            }
            Position before = candidate.get().getKey();
            Checkpoint hinted = candidate.get().getValue();
            if (begins(before, hinted)) {
                note(before, new Checkpoint(hinted.last(), hinted.at(), true));
            } else {
                forget(before);
            }
        }
    }

    /** Whether the journal has the beginning of this checkpoint there; the file names none before its end was written. */
    private boolean begins(Position before, Checkpoint hinted) {
        try (EventJournal.Reader reader = journal.open(before)) {
            return reader.poll()
                    .map(Entry::batch)
                    .filter(batch -> batch.at().equals(hinted.at())
                            && batch.events().get(0) instanceof HostEvent.CheckpointStarted)
                    .isPresent();
        } catch (IOException e) {
            log.warn("no checkpoint can be read where one should be position={} reason={}", before, e.toString());
            return false;
        }
    }

    /** The last checkpoint that began before {@code instant}, or the journal's origin. */
    Position checkpointBefore(Instant instant) {
        return lastCheckpointBefore(instant).orElse(journal.origin());
    }

    /** The last whole checkpoint known that began before {@code instant}. */
    Optional<Position> lastCheckpointBefore(Instant instant) {
        return last(c -> c.at().isBefore(instant)).map(Map.Entry::getKey);
    }

    private boolean isSure(Position before) {
        synchronized (checkpoints) {
            Checkpoint known = checkpoints.get(before);
            return known != null && known.sure();
        }
    }

    /** The last whole checkpoint known, by the position before it, and when it was written. */
    Optional<Map.Entry<Position, Instant>> lastCheckpoint() {
        return last(c -> true).map(c -> Map.entry(c.getKey(), c.getValue().at()));
    }

    /** The last checkpoint known that lies at or before a position. */
    Optional<Position> lastCheckpointAt(Position position) {
        return found(all -> Optional.ofNullable(all.floorEntry(position))).map(Map.Entry::getKey);
    }

    /** The first checkpoint known that lies after a position. */
    Optional<Position> nextCheckpoint(Position after) {
        return found(all -> Optional.ofNullable(all.higherEntry(after))).map(Map.Entry::getKey);
    }

    private Folded fold(Position from, Predicate<Entry> wanted) throws IOException {
        Host host = Host.EMPTY;
        Position at = from;
        int batches = 0;
        Optional<Position> begun = Optional.empty();
        Map<CommandId, Event> answered = Sequencer.remembering();
        List<String> lost = new ArrayList<>();
        try (EventJournal.Reader reader = journal.open(from)) {
            for (Optional<Entry> entry = poll(reader, lost); entry.isPresent(); entry = poll(reader, lost)) {
                if (!wanted.test(entry.get())) {
                    break;
                }
                Batch batch = entry.get().batch();
                for (Event event : batch.events()) {
                    host = event.apply(host);
                    if (event instanceof HostEvent.CheckpointStarted) {
                        begun = Optional.of(new Position(entry.get().position().sequence() - 1));
                    } else if (event instanceof HostEvent.CheckpointCompleted && begun.isPresent()) {
                        note(begun.get(), new Checkpoint(entry.get().position(), batch.at(), true));
                    }
                }
                at = entry.get().position();
                batches++;
                CommandId command = batch.cause().command();
                if (command.mayComeAgain()) {
                    answered.putIfAbsent(
                            command, batch.events().get(batch.events().size() - 1));
                }
            }
        }
        return new Folded(host, at, answered, batches, lost);
    }

    /** Damage in the middle is told and stepped over: what follows is still worth having. */
    private static Optional<Entry> poll(EventJournal.Reader reader, List<String> lost) throws IOException {
        while (true) {
            try {
                return reader.poll();
            } catch (DamagedException e) {
                lost.add(e.damage().what());
                log.error(
                        "journal is damaged first={} last={} what={}; run wharf journal verify",
                        e.damage().position(),
                        e.last(),
                        e.damage().what());
            }
        }
    }

    private void note(Position before, Checkpoint checkpoint) {
        synchronized (checkpoints) {
            checkpoints.put(before, checkpoint);
        }
    }

    private void forget(Position before) {
        synchronized (checkpoints) {
            checkpoints.remove(before);
        }
    }

    /** Everything there is, as events that make the same host from nothing. */
    static List<Event> recorded(Host host) {
        List<Event> events = new ArrayList<>();
        events.add(new HostEvent.Recorded(host.identity()));
        host.drivers().values().forEach(d -> events.add(new dev.wharf.core.event.DriverEvent.Recorded(d)));
        host.networks().values().forEach(n -> events.add(new dev.wharf.core.event.NetworkEvent.Recorded(n)));
        host.volumes().values().forEach(v -> events.add(new dev.wharf.core.event.VolumeEvent.Recorded(v)));
        host.layers().values().forEach(l -> events.add(new dev.wharf.core.event.LayerEvent.Recorded(l)));
        host.images().values().forEach(i -> events.add(new dev.wharf.core.event.ImageEvent.Recorded(i)));
        host.uses().forEach((image, at) -> events.add(new dev.wharf.core.event.ImageEvent.UseRecorded(image, at)));
        host.pulls().values().forEach(p -> events.add(new dev.wharf.core.event.ImageEvent.PullRecorded(p)));
        host.moves().values().forEach(m -> events.add(new dev.wharf.core.event.StorageEvent.MoveRecorded(m)));
        host.builds().values().forEach(b -> events.add(new dev.wharf.core.event.BuildEvent.Recorded(b)));
        host.steps().forEach((key, step) -> events.add(new dev.wharf.core.event.BuildEvent.StepRecorded(key, step)));
        host.documents().values().forEach(d -> events.add(new dev.wharf.core.event.DesiredEvent.Recorded(d)));
        host.services().values().forEach(s -> events.add(new dev.wharf.core.event.DesiredEvent.ServiceRecorded(s)));
        if (!host.peers().isEmpty()) {
            events.add(new HostEvent.PeersLearned(host.peers()));
        }
        host.jobs().values().forEach(j -> events.add(new HostEvent.JobRecorded(j)));
        host.damages().values().forEach(d -> events.add(new HostEvent.BlobRecorded(d)));
        host.containers().values().forEach(c -> events.add(new dev.wharf.core.event.ContainerEvent.Recorded(c)));
        host.kept().values().forEach(c -> events.add(new dev.wharf.core.event.ContainerEvent.KeptRecorded(c)));
        return events;
    }

    /** Remembers that a whole checkpoint lies just after {@code before}, up to {@code last}. */
    void remember(Position before, Position last, Instant at) {
        note(before, new Checkpoint(last, at, true));
        StringBuilder lines = new StringBuilder();
        synchronized (checkpoints) {
            checkpoints.headMap(journal.origin(), false).clear();
            checkpoints.forEach((place, c) -> lines.append(place)
                    .append(' ')
                    .append(c.last())
                    .append(' ')
                    .append(c.at())
                    .append('\n'));
        }
        try {
            Path fresh = hint.resolveSibling(hint.getFileName() + ".new");
            Files.writeString(fresh, lines, StandardCharsets.US_ASCII);
            Files.move(fresh, hint, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            log.warn(
                    "checkpoint cannot be remembered, the next start reads more file={} reason={}", hint, e.toString());
        }
    }

    /** Notes which checkpoints there should be; the last of them. */
    private Optional<Position> readHints() {
        Optional<Position> newest = Optional.empty();
        try {
            for (String line : Files.readAllLines(hint, StandardCharsets.US_ASCII)) {
                String[] words = line.strip().split(" ");
                Position before = position(words[0]);
                newest = Optional.of(before);
                // The first versions wrote down the last one's place and nothing else.
                if (words.length == 3) {
                    note(before, new Checkpoint(position(words[1]), Instant.parse(words[2]), false));
                }
            }
        } catch (IOException | IllegalArgumentException | DateTimeException e) {
            return Optional.empty();
        }
        return newest;
    }

    private static Position position(String written) {
        return new Position(Long.parseLong(written));
    }
}
