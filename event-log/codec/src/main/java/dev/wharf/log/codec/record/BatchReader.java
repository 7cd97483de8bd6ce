package dev.wharf.log.codec.record;

import dev.wharf.core.journal.DamagedException;
import dev.wharf.core.journal.EventJournal.Damage;
import dev.wharf.core.journal.EventJournal.Entry;
import dev.wharf.core.journal.EventJournal.Reader;
import dev.wharf.core.journal.Position;
import dev.wharf.log.codec.EventCodec;
import dev.wharf.model.Digest;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.FutureTask;

/**
 * Reads records as batches. Making sense of JSON is most of the work, so while there is much to read other cores do it ahead,
 * piece by piece, and the reader helps where it would have to wait; at the end it goes on alone.
 */
final class BatchReader implements Reader {
    /** Fewer records than this are decoded before a thread has started. */
    private static final long MUCH = 2000;

    // What is decoded and not yet used has to fit into the survivors of a small heap's young generation. Where it does
    // not, all
    // of it is copied into the old one, which then is collected again and again.
    private static final int PIECE_RECORDS = 32;
    private static final int PIECE_BYTES = 64 << 10;
    private static final int MOST_HELPERS = 3;

    /** Turns a payload into a batch, or says why it cannot. */
    interface Decoder {
        EventCodec.Found decode(Envelope.Sealed record) throws IOException;
    }

    /** A batch, or what was found in its place, which is told when the reader comes to it. */
    private record Found(
            Optional<Entry> entry, int[] bounds, Optional<IOException> trouble, Optional<Envelope.Sealed> record) {}

    private static final int[] NOWHERE = {};

    private final RecordLog.Reader records;
    private final Decoder decoder;
    private final int ahead;
    private final Deque<FutureTask<List<Found>>> pieces = new ArrayDeque<>();
    private Optional<ExecutorService> helpers = Optional.empty();
    private Optional<Envelope.Sealed> last = Optional.empty();
    private int[] lastBounds = NOWHERE;
    private List<Found> ready = List.of();
    private int at;

    /** Reads from {@code records}, of which about {@code count} are there already. */
    BatchReader(RecordLog.Reader records, long count, Decoder decoder) {
        this.records = records;
        this.decoder = decoder;
        int cores = Math.min(MOST_HELPERS, Runtime.getRuntime().availableProcessors() - 1);
        ahead = 3 * cores + 1;
        if (count > MUCH && cores > 0) {
            helpers = Optional.of(Executors.newFixedThreadPool(cores, task -> {
                Thread thread = new Thread(task, "wharf-journal-decoder");
                thread.setDaemon(true);
                return thread;
            }));
        }
    }

    @Override
    public Optional<Entry> poll() throws IOException {
        if (at == ready.size() && helpers.isPresent()) {
            ready = nextPiece(helpers.get());
            at = 0;
        }
        Optional<Found> found = at < ready.size() ? Optional.of(ready.get(at++)) : next().map(Next::decode);
        if (found.isPresent() && found.get().trouble().isPresent()) {
            throw found.get().trouble().get();
        }
        if (found.isPresent()) {
            last = found.get().record();
            lastBounds = found.get().bounds();
        }
        return found.flatMap(Found::entry);
    }

    @Override
    public Optional<byte[]> text(int index) {
        if (last.isEmpty() || lastBounds.length <= 2 * index || lastBounds[2 * index + 1] == 0) {
            return Optional.empty();
        }
        return Optional.of(Arrays.copyOfRange(
                last.get().bytes(),
                Envelope.HEADER_BYTES + lastBounds[2 * index],
                Envelope.HEADER_BYTES + lastBounds[2 * index + 1]));
    }

    @Override
    public Digest head() {
        return Digest.of("sha256", headHash().orElseGet(Envelope::genesis));
    }

    /**
     * The hash of the last record that was read. Hashing costs as much as everything else that is done to a record, and the next
     * one holds the hash already.
     */
    Optional<byte[]> headHash() {
        if (last.isEmpty()) {
            return Optional.empty();
        }
        Optional<Envelope.Sealed> after =
                at < ready.size() ? ready.get(at).record() : Optional.<Envelope.Sealed>empty();
        boolean follows =
                after.isPresent() && after.get().sequence() == last.get().sequence() + 1;
        return Optional.of(follows ? after.get().previous() : last.get().hash());
    }

    /** The next whole piece; empty when little is left, and then helpers go home. */
    private List<Found> nextPiece(ExecutorService crew) throws IOException {
        while (pieces.size() < ahead) {
            List<Next> piece = gather();
            if (piece.isEmpty()) {
                break;
            }
            FutureTask<List<Found>> task = new FutureTask<>(() -> decoded(piece));
            pieces.add(task);
            crew.execute(task);
        }
        FutureTask<List<Found>> first = pieces.poll();
        if (first == null) {
            stopHelpers();
            return List.of();
        }
        first.run();
        for (FutureTask<List<Found>> later : pieces) {
            if (first.isDone()) {
                break;
            }
            later.run();
        }
        return result(first);
    }

    private static List<Found> decoded(List<Next> piece) {
        List<Found> found = new ArrayList<>(piece.size());
        for (Next next : piece) {
            found.add(next.decode());
        }
        return found;
    }

    private static List<Found> result(FutureTask<List<Found>> piece) {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return piece.get();
                } catch (InterruptedException e) {
                    interrupted = true;
                } catch (ExecutionException e) {
                    throw new IllegalStateException(e.getCause());
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private List<Next> gather() throws IOException {
        List<Next> piece = new ArrayList<>(PIECE_RECORDS);
        int bytes = 0;
        while (piece.size() < PIECE_RECORDS && bytes < PIECE_BYTES) {
            Optional<Next> next = next();
            if (next.isEmpty()) {
                break;
            }
            piece.add(next.get());
            bytes += next.get().record().map(record -> record.bytes().length).orElse(0);
        }
        return piece;
    }

    /** A record as read, or damage in its place. */
    private record Next(Optional<Envelope.Sealed> record, Optional<IOException> damage, Decoder decoder) {
        Found decode() {
            if (record.isEmpty()) {
                return new Found(Optional.empty(), NOWHERE, damage, record);
            }
            try {
                Position position = new Position(record.get().sequence());
                EventCodec.Found found = decoder.decode(record.get());
                return new Found(
                        Optional.of(new Entry(position, found.batch())), found.bounds(), Optional.empty(), record);
            } catch (IOException e) {
                return new Found(Optional.empty(), NOWHERE, Optional.of(e), record);
            }
        }
    }

    private Optional<Next> next() throws IOException {
        try {
            return records.poll().map(record -> new Next(Optional.of(record), Optional.empty(), decoder));
        } catch (RecordLog.DamagedRecords e) {
            return Optional.of(new Next(
                    Optional.empty(),
                    Optional.of(new DamagedException(
                            new Damage(new Position(e.first()), e.what()), new Position(e.last()))),
                    decoder));
        }
    }

    private void stopHelpers() {
        helpers.ifPresent(ExecutorService::shutdownNow);
        helpers = Optional.empty();
    }

    @Override
    public void close() {
        stopHelpers();
        pieces.clear();
        records.close();
    }
}
