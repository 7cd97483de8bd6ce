package dev.wharf.log.codec.record;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Reads every file of a log as it lies on the disk and judges what is to be kept.
 *
 * <p>A log that was closed cleanly keeps every record that is whole; what is missing is damage. A log that was not ends at
 * the first record that is not whole, unless a later record says that the missing one was durable when it was written: then
 * it is damage too, and what follows is kept. Nothing that was ever durable is cut on account of what was not.
 */
public final class LogSurvey {
    /**
     * One file as found.
     *
     * @param first the sequence of its first kept record, 0 for none
     * @param last the sequence of its last kept record, 0 for none
     * @param end where the last kept record ends, 0 for none
     * @param dataEnd just behind the last byte that is not zero
     * @param remains whether anything behind the last kept record looks like a record, or like part of one
     */
    public record Segment(Path file, long first, long last, long end, long dataEnd, boolean remains) {
        /** Whether it holds no record to keep. */
        public boolean isEmpty() {
            return first == 0;
        }
    }

    /** Records that should be there and are not. */
    public record Gap(long first, long last, Path file) {
        @Override
        public String toString() {
            return RecordLog.DamagedRecords.describe(first, last, String.valueOf(file.getFileName()));
        }
    }

    private final List<Segment> segments;
    private final List<Gap> gaps;
    private final long origin;
    private final long last;
    private final byte[] head;
    private final int epoch;
    private final boolean clean;
    private final List<Long> newest;

    private LogSurvey(
            List<Segment> segments,
            List<Gap> gaps,
            long origin,
            long last,
            byte[] head,
            int epoch,
            boolean clean,
            List<Long> newest) {
        this.segments = List.copyOf(segments);
        this.gaps = List.copyOf(gaps);
        this.origin = origin;
        this.last = last;
        this.head = head;
        this.epoch = epoch;
        this.clean = clean;
        this.newest = List.copyOf(newest);
    }

    /** Every file in order, those that hold nothing to keep among them. */
    public List<Segment> segments() {
        return segments;
    }

    public List<Gap> gaps() {
        return gaps;
    }

    public long origin() {
        return origin;
    }

    public long last() {
        return last;
    }

    public byte[] head() {
        return head.clone();
    }

    /** The highest epoch that was seen. */
    public int epoch() {
        return epoch;
    }

    /** Whether the log was closed cleanly and nothing was written since. */
    public boolean clean() {
        return clean;
    }

    /** The offsets of the records to keep in the newest file that holds any. */
    public List<Long> newestOffsets() {
        return newest;
    }

    /** The report for {@link RecordLog#mended}; {@code dropped} bytes were cut. */
    public Optional<RecordLog.Mended> report(long dropped) {
        List<String> words = new ArrayList<>();
        boolean untouched = last == 0 && dropped == 0;
        if (!clean && !untouched) {
            words.add("not closed cleanly");
            words.add(dropped > 0 ? "what followed record " + last + " was not whole" : "every record was whole");
        }
        gaps.forEach(gap -> words.add(gap.toString()));
        return words.isEmpty()
                ? Optional.empty()
                : Optional.of(new RecordLog.Mended(last, dropped, String.join("; ", words)));
    }

    /** Reads the files, which are in the order of their records. */
    public static LogSurvey of(Disk disk, List<Path> files, LogDirectory directory) throws IOException {
        Pass all = new Pass(directory);
        all.read(disk, files, Long.MAX_VALUE);
        if (all.fitsNote()) {
            return all.closedCleanly();
        }
        OptionalLong torn = all.firstThatWasNeverDurable();
        if (torn.isEmpty()) {
            return all.leftOpen();
        }
        Pass kept = new Pass(directory);
        kept.read(disk, files, torn.getAsLong());
        return kept.leftOpen();
    }

    /** One walk over every file. */
    private static final class Pass {
        private final Optional<LogDirectory.CleanClose> note;
        private final long notedOrigin;
        private final List<Segment> segments = new ArrayList<>();
        private final List<Gap> gaps = new ArrayList<>();
        private long origin;
        private long last;
        private long forced;
        private int epoch;
        private Optional<byte[]> before = Optional.empty();
        private List<Long> newest = List.of();

        Pass(LogDirectory directory) {
            this.note = directory.clean();
            this.notedOrigin = directory.origin();
            this.last = Math.max(0, notedOrigin);
            this.origin = last;
        }

        /** Reads everything, and keeps what comes before {@code end}. */
        void read(Disk disk, List<Path> files, long end) throws IOException {
            for (int i = 0; i < files.size(); i++) {
                // Older files were forced whole when they were full, so a record of an earlier life can lie in the
                // newest
                // two only; and the chain costs a hash for each record.
                boolean chained = note.isEmpty() && i >= files.size() - 2;
                try (RecordScan scan = new RecordScan(disk, files.get(i), 0)) {
                    segments.add(read(scan, files.get(i), end, chained));
                }
            }
        }

        private Segment read(RecordScan scan, Path file, long limit, boolean chained) throws IOException {
            long first = 0;
            long end = 0;
            boolean remains = false;
            List<Long> offsets = new ArrayList<>();
            for (Optional<RecordScan.Found> next = scan.next(); next.isPresent(); next = scan.next()) {
                Envelope.Sealed record = next.get().record();
                if (!follows(record, chained) || record.sequence() >= limit) {
                    remains = true;
                    continue;
                }
                if (record.sequence() > last + 1) {
                    gaps.add(new Gap(last + 1, record.sequence() - 1, file));
                }
                last = record.sequence();
                forced = Math.max(forced, record.forced());
                epoch = Math.max(epoch, record.epoch());
                before = Optional.of(record.bytes());
                first = first == 0 ? last : first;
                end = next.get().end();
                offsets.add(next.get().offset());
                remains = false;
            }
            remains |= scan.sawDamage();
            newest = offsets.isEmpty() ? newest : offsets;
            return new Segment(file, first, first == 0 ? 0 : last, end, scan.dataEnd(), remains);
        }

        private boolean follows(Envelope.Sealed record, boolean chained) {
            if (before.isEmpty()) {
                // A trim that was interrupted may have left older records than the note says.
                if (notedOrigin < 0 || record.sequence() <= notedOrigin) {
                    last = record.sequence() - 1;
                    origin = last;
                }
                return true;
            }
            if (chained && record.sequence() == last + 1) {
                return Arrays.equals(record.previous(), Envelope.hash(before.get()));
            }
            return record.sequence() > last;
        }

        private byte[] head() {
            return before.map(Envelope::hash).orElseGet(Envelope::genesis);
        }

        boolean fitsNote() {
            return note.isPresent()
                    && (last < note.get().last()
                            || last == note.get().last()
                                    && (before.isEmpty()
                                            || Arrays.equals(head(), note.get().head())));
        }

        /** The first missing record that no later one knew to be durable: the log ends before it. */
        OptionalLong firstThatWasNeverDurable() {
            return gaps.stream()
                    .mapToLong(Gap::first)
                    .filter(first -> first > forced)
                    .findFirst();
        }

        LogSurvey closedCleanly() {
            LogDirectory.CleanClose close = note.orElseThrow();
            if (last < close.last() && !segments.isEmpty()) {
                gaps.add(new Gap(
                        last + 1,
                        close.last(),
                        segments.get(segments.size() - 1).file()));
            }
            return new LogSurvey(
                    segments, gaps, origin, close.last(), close.head(), Math.max(epoch, close.epoch()), true, newest);
        }

        LogSurvey leftOpen() {
            return new LogSurvey(segments, gaps, origin, last, head(), epoch, false, newest);
        }
    }
}
