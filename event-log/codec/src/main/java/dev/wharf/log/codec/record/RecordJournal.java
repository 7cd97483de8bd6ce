package dev.wharf.log.codec.record;

import dev.wharf.core.journal.BatchTooLargeException;
import dev.wharf.core.journal.CommandId;
import dev.wharf.core.journal.EventJournal;
import dev.wharf.core.journal.JournalFullException;
import dev.wharf.core.journal.Position;
import dev.wharf.core.journal.RecentBatches;
import dev.wharf.log.codec.EventCodec;
import dev.wharf.log.codec.UnknownEventException;
import dev.wharf.model.Digest;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;

/** An event journal on a log of records: one batch is one record, and its payload is JSON. */
public class RecordJournal implements EventJournal {
    /** Followers are at the end nearly always, so a few batches spare nearly all reading. */
    private static final int REMEMBERED = 64;

    private static final int REMEMBERED_BYTES = 16 << 10;

    private final RecordLog log;
    private final EventCodec codec;

    /** The last batches as they were appended, for those who read them a moment later. */
    private final RecentBatches<Recent> recent = new RecentBatches<>(REMEMBERED);

    /** A batch in its place, and the end of the chain with it. */
    record Recent(Entry entry, byte[] hash) {}

    /**
     * The largest wish. A checkpoint writes a subject down in one batch, with what was wished of it and all that became of it,
     * so a wish that fills a batch would leave no room for that.
     */
    private static final int MAX_WISH_BYTES = Envelope.MAX_PAYLOAD_BYTES / 2;

    /** Takes over {@code log} and closes it in the end. */
    public RecordJournal(RecordLog log, EventCodec codec) {
        this.log = log;
        this.codec = codec;
    }

    @Override
    public Position append(Batch batch) throws IOException {
        byte[] payload = codec.encode(batch);
        if (isWish(batch) && payload.length > MAX_WISH_BYTES) {
            throw new BatchTooLargeException(
                    "a wish of " + payload.length + " bytes is more than the journal takes, " + MAX_WISH_BYTES);
        }
        try {
            Position at = new Position(log.append(payload));
            if (payload.length <= REMEMBERED_BYTES) {
                recent.put(at, new Recent(new Entry(at, batch), log.head()));
            }
            return at;
        } catch (IOException e) {
            throw Disk.isFull(e) && !log.isBroken()
                    ? new JournalFullException("no space is left for the journal: " + e.getMessage(), e)
                    : e;
        }
    }

    private static boolean isWish(Batch batch) {
        return batch.cause().because().isEmpty() && !batch.cause().command().equals(CommandId.NONE);
    }

    @Override
    public boolean hasRoom() {
        return log.hasRoom();
    }

    @Override
    public void sync() throws IOException {
        log.force();
    }

    @Override
    public Reader open(Position position) throws IOException {
        if (position.sequence() > log.last()) {
            throw new IOException("position " + position + " lies after the end of the journal at " + log.last()
                    + ": this is not the journal it was taken from, or the journal lost its end");
        }
        return new RecentReader(this, Math.max(position.sequence(), log.origin()));
    }

    /** Reads from the log what is not remembered. */
    BatchReader read(long sequence) throws IOException {
        long before = Math.max(sequence, log.origin());
        return new BatchReader(log.read(sequence), log.last() - before, this::decode);
    }

    Optional<Recent> recent(long sequence) {
        return recent.at(new Position(sequence));
    }

    long last() {
        return log.last();
    }

    @Override
    public Position end() {
        return new Position(log.last());
    }

    @Override
    public Position origin() {
        return new Position(log.origin());
    }

    @Override
    public Digest head() {
        return Digest.of("sha256", log.head());
    }

    @Override
    public void trim(Position position) throws IOException {
        log.trim(position.sequence() - 1);
    }

    @Override
    public Optional<Damage> verify() throws IOException {
        byte[] head = log.head();
        long last = log.last();
        Optional<Envelope.Sealed> before = Optional.empty();
        try (RecordLog.Reader reader = log.read(log.origin())) {
            for (Optional<Envelope.Sealed> next = reader.poll(); next.isPresent(); next = reader.poll()) {
                Envelope.Sealed record = next.get();
                if (record.sequence() > last) {
                    break;
                }
                boolean first = record.sequence() == 1;
                byte[] expected = before.map(Envelope.Sealed::hash)
                        .orElseGet(() -> first ? Envelope.genesis() : record.previous());
                if (!Arrays.equals(expected, record.previous())) {
                    return Optional.of(new Damage(
                            new Position(record.sequence() - 1),
                            "record " + (record.sequence() - 1) + " is not the one that record " + record.sequence()
                                    + " was written after"));
                }
                before = next;
            }
        } catch (RecordLog.DamagedRecords e) {
            return Optional.of(new Damage(new Position(e.first()), e.what()));
        }
        if (before.isPresent() && !Arrays.equals(before.get().hash(), head)) {
            return Optional.of(
                    new Damage(new Position(last), "record " + last + " is not the one that was written last"));
        }
        return Optional.empty();
    }

    @Override
    public Optional<Recovery> recovery() {
        return log.mended()
                .map(mended -> new Recovery(new Position(mended.last()), mended.droppedBytes(), mended.reason()));
    }

    @Override
    public EventJournal likewise(Path folder) throws IOException {
        return new RecordJournal(log.likewise(folder), codec);
    }

    @Override
    public long sizeBytes() {
        return log.sizeBytes();
    }

    @Override
    public void close() throws IOException {
        log.close();
    }

    private EventCodec.Found decode(Envelope.Sealed record) throws IOException {
        Optional<Recent> known = recent(record.sequence());
        if (known.isPresent()) {
            return new EventCodec.Found(known.get().entry().batch(), new int[0]);
        }
        try {
            return codec.find(record.payload());
        } catch (UnknownEventException e) {
            throw new UnknownEventException("the journal cannot be read at " + record.sequence() + ": " + e.getMessage()
                    + ": start Wharf " + log.writer() + ", which wrote here last, or a newer one");
        } catch (IOException e) {
            throw new IOException("the journal cannot be read at " + record.sequence() + ": " + e.getMessage(), e);
        }
    }
}
