package dev.wharf.log.chronicle;

import dev.wharf.log.codec.record.Disk;
import dev.wharf.log.codec.record.Envelope;
import dev.wharf.log.codec.record.RecordLog;
import dev.wharf.log.codec.record.SegmentReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import net.openhft.chronicle.bytes.Bytes;
import net.openhft.chronicle.queue.ExcerptTailer;
import net.openhft.chronicle.wire.DocumentContext;

/**
 * Reads the newest file with Chronicle's tailer as long as that gives exactly the record that must come next, and by scanning
 * the file itself where it does not: a tailer believes headers and indexes that carry no checksum, and can be led astray by
 * any of them. Older files are scanned, which for reading all of a file is quicker, too.
 */
final class ChronicleReader implements RecordLog.Reader {
    private final Disk disk;
    private final ChronicleLog log;
    private final Supplier<Optional<CycleQueue>> queue;
    private long next;
    private Optional<ExcerptTailer> tailer = Optional.empty();
    /** Reads the rest of the segment that the tailer could not. */
    private Optional<SegmentReader> scanner = Optional.empty();

    private long scanned;
    /** Whether the scanner may have a file open whose place another has taken since. */
    private boolean old;

    ChronicleReader(Disk disk, ChronicleLog log, Supplier<Optional<CycleQueue>> queue, long sequence) {
        this.disk = disk;
        this.log = log;
        this.queue = queue;
        this.next = Math.max(sequence, log.origin()) + 1;
    }

    @Override
    public Optional<Envelope.Sealed> poll() throws IOException {
        if (!log.isSettled()) {
            synchronized (log.settling()) {
                if (!log.isSettled()) {
                    old = true;
                    return following();
                }
            }
        }
        if (old) {
            closeScanner();
            old = false;
        }
        return following();
    }

    private Optional<Envelope.Sealed> following() throws IOException {
        if (next > log.tail().last()) {
            return Optional.empty();
        }
        if (scanner.isPresent() && next < scanned) {
            return scan();
        }
        closeScanner();
        Optional<Envelope.Sealed> record = next >= log.tail().segment() ? tail() : Optional.empty();
        if (record.isPresent()) {
            next++;
            return record;
        }
        closeTailer();
        scanner = Optional.of(new SegmentReader(disk, log, next - 1));
        return scan();
    }

    private Optional<Envelope.Sealed> scan() throws IOException {
        SegmentReader segment = scanner.orElseThrow();
        try {
            return segment.poll();
        } finally {
            next = segment.next();
            Long following = log.segments().higherKey(next - 1);
            scanned = following == null ? Long.MAX_VALUE : following;
        }
    }

    /** The next record by the tailer, or empty when that does not give it at once. */
    private Optional<Envelope.Sealed> tail() {
        try {
            if (tailer.isEmpty()) {
                Optional<CycleQueue> open = queue.get();
                if (open.isEmpty()) {
                    return Optional.empty();
                }
                ExcerptTailer fresh = open.get().tailer();
                tailer = Optional.of(fresh);
                if (!fresh.moveToIndex(index())) {
                    return Optional.empty();
                }
            }
            return read(tailer.get());
        } catch (RuntimeException | InternalError e) {
            return Optional.empty();
        }
    }

    private long index() {
        Map.Entry<Long, Path> segment = log.segments().floorEntry(next);
        if (segment == null) {
            segment = log.segments().firstEntry();
        }
        int cycle = Cycles.cycleOf(segment.getValue()).orElseThrow();
        return Cycles.ROLL.toIndex(cycle, Math.max(0, next - segment.getKey()));
    }

    private Optional<Envelope.Sealed> read(ExcerptTailer from) {
        try (DocumentContext excerpt = from.readingDocument()) {
            if (!excerpt.isPresent()) {
                return Optional.empty();
            }
            Bytes<?> bytes = excerpt.wire().bytes();
            long length = bytes.readRemaining();
            if (length < Envelope.HEADER_BYTES || length > Envelope.HEADER_BYTES + Envelope.MAX_PAYLOAD_BYTES) {
                return Optional.empty();
            }
            byte[] record = new byte[(int) length];
            bytes.read(record);
            Envelope.Sealed sealed = new Envelope.Sealed(record);
            return Envelope.isWhole(record) && sealed.version() == Envelope.VERSION && sealed.sequence() == next
                    ? Optional.of(sealed)
                    : Optional.empty();
        }
    }

    private void closeScanner() {
        scanner.ifPresent(SegmentReader::close);
        scanner = Optional.empty();
    }

    private void closeTailer() {
        tailer.ifPresent(ExcerptTailer::close);
        tailer = Optional.empty();
    }

    @Override
    public void close() {
        closeScanner();
        closeTailer();
    }
}
