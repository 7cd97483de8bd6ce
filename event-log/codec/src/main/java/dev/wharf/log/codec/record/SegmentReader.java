package dev.wharf.log.codec.record;

import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * Reads a log by scanning its segments for whole records, which works whatever else is damaged. It has a handle of its own,
 * so that a reader that is interrupted closes nobody else's file.
 */
public final class SegmentReader implements RecordLog.Reader {
    private final Disk disk;
    private final LogView log;
    private long next;
    private long segment;
    private Optional<RecordScan> scan = Optional.empty();
    /** Whether the whole of a segment that is not the last is looked at. */
    private boolean grown;
    /** A record that was found behind a gap, kept while the gap is told. */
    private Optional<Envelope.Sealed> held = Optional.empty();

    /** Reads from just after {@code sequence}. */
    public SegmentReader(Disk disk, LogView log, long sequence) {
        this.disk = disk;
        this.log = log;
        this.next = Math.max(sequence, log.origin()) + 1;
    }

    /** The sequence that the next poll asks for. */
    public long next() {
        return next;
    }

    @Override
    public Optional<Envelope.Sealed> poll() throws IOException {
        LogView.Tail tail = log.tail();
        if (next <= log.origin()) {
            throw gap(log.origin());
        }
        while (next <= tail.last()) {
            Optional<Envelope.Sealed> record = find(tail);
            if (record.isEmpty()) {
                Long following = log.segments().higherKey(segment);
                throw gap(following == null ? tail.last() : following - 1);
            }
            long sequence = record.get().sequence();
            if (sequence > next) {
                RecordLog.DamagedRecords damage = gap(sequence - 1);
                held = record;
                throw damage;
            }
            if (sequence == next) {
                next++;
                return record;
            }
        }
        return Optional.empty();
    }

    private RecordLog.DamagedRecords gap(long upTo) {
        Path file = log.segments().get(segment);
        RecordLog.DamagedRecords damage = new RecordLog.DamagedRecords(
                next, upTo, file == null ? "a file that is gone" : String.valueOf(file.getFileName()));
        next = upTo + 1;
        return damage;
    }

    private Optional<Envelope.Sealed> find(LogView.Tail tail) throws IOException {
        if (held.isPresent()) {
            Optional<Envelope.Sealed> record = held;
            held = Optional.empty();
            return record;
        }
        Map.Entry<Long, Path> floor = log.segments().floorEntry(next);
        Map.Entry<Long, Path> wanted = floor == null ? log.segments().firstEntry() : floor;
        if (wanted == null) {
            return Optional.empty();
        }
        if (scan.isEmpty() || wanted.getKey() != segment) {
            close();
            segment = wanted.getKey();
            grown = false;
            try {
                scan = Optional.of(new RecordScan(disk, wanted.getValue(), 0));
            } catch (NoSuchFileException e) {
                if (next <= log.origin()) {
                    throw gap(log.origin());
                }
                throw e;
            }
        }
        if (segment == tail.segment()) {
            scan.get().limit(tail.end());
        } else if (!grown) {
            // It was written further since it was opened; nobody writes to it any more.
            scan.get().limitToFile();
            grown = true;
        }
        return scan.get().next().map(RecordScan.Found::record);
    }

    @Override
    public void close() {
        scan.ifPresent(RecordScan::close);
        scan = Optional.empty();
        held = Optional.empty();
    }
}
