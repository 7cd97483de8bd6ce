package dev.wharf.log.codec.record;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/**
 * Reads every file of a log as it lies on the disk and judges what is to be kept.
 *
 * <p>A log that was closed cleanly keeps every record that is whole; what is missing is damage. A log that was not ends at
 * the first record that is not whole, unless a later record says that the missing one was durable when it was written: then
 * it is damage too, and what follows is kept. Nothing that was ever durable is cut on account of what was not.
 *
 * <p>A start must not take longer for a longer history. Files were forced whole when they were full, so what a crash can
 * have left unfinished lies in the newest two; of the others only the first record is looked at. What is wrong inside them
 * is found by whoever reads them.
 */
public final class LogSurvey {
    /**
     * One file as found.
     *
     * @param first the sequence of its first kept record, 0 for none
     * @param last the sequence of its last kept record, 0 for none; of an older file, as the next one says
     * @param end where the last kept record ends, 0 for none; of an older file, unknown and taken to be {@code dataEnd}
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
        /** Which records, wherever they should be. */
        String place() {
            return first + "-" + last;
        }

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

    /** What is missing and was not known to be. */
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
        Set<String> known = directory.knownDamage();
        if (all.fitsNote()) {
            return all.closedCleanly(known);
        }
        OptionalLong torn = all.firstThatWasNeverDurable();
        if (torn.isEmpty()) {
            return all.leftOpen(known);
        }
        Pass kept = new Pass(directory);
        kept.read(disk, files, torn.getAsLong());
        return kept.leftOpen(known);
    }

    /** One walk over the files. */
    private static final class Pass {
        private static final int READ_WHOLE = 2;

        private final Optional<LogDirectory.CleanClose> note;
        private final long notedOrigin;
        private final List<Segment> segments = new ArrayList<>();
        private final List<Gap> gaps = new ArrayList<>();
        private long origin;
        private long last;
        private long forced;
        private int epoch;
        private Optional<Envelope.Sealed> before = Optional.empty();
        /** Whether records between {@code before} and the next were passed over and may well be there. */
        private boolean skipped;

        private List<Long> newest = List.of();

        Pass(LogDirectory directory) {
            this.note = directory.clean();
            this.notedOrigin = directory.origin();
            this.last = Math.max(0, notedOrigin);
            this.origin = last;
        }

        /** Reads the files, and keeps what comes before {@code end}. */
        void read(Disk disk, List<Path> files, long end) throws IOException {
            int whole = Math.max(0, files.size() - READ_WHOLE);
            long[] firsts = new long[whole];
            long[] ends = new long[whole];
            for (int i = 0; i < whole; i++) {
                try (RecordScan scan = new RecordScan(disk, files.get(i), 0)) {
                    Optional<RecordScan.Found> first = scan.next();
                    firsts[i] = first.map(found -> found.record().sequence()).orElse(0L);
                    ends[i] = scan.dataEnd();
                    if (first.isPresent()) {
                        older(first.get().record(), files.get(i));
                    }
                }
            }
            for (int i = whole; i < files.size(); i++) {
                Path file = files.get(i);
                try (RecordScan scan = new RecordScan(disk, file, 0)) {
                    // Nothing was ever written behind what was left then, and looking at the emptiness there takes its
                    // time.
                    note.flatMap(LogDirectory.CleanClose::newest)
                            .filter(left -> left.name().equals(String.valueOf(file.getFileName())))
                            .ifPresent(left -> scan.limit(left.reserved()));
                    segments.add(read(scan, file, end));
                }
            }
            long next = segments.stream()
                    .filter(segment -> !segment.isEmpty())
                    .mapToLong(Segment::first)
                    .findFirst()
                    .orElse(last + 1);
            for (int i = whole - 1; i >= 0; i--) {
                boolean kept = firsts[i] > 0 && firsts[i] < end;
                segments.add(
                        0,
                        new Segment(
                                files.get(i),
                                kept ? firsts[i] : 0,
                                kept ? next - 1 : 0,
                                kept ? ends[i] : 0,
                                ends[i],
                                !kept && ends[i] > 0));
                next = kept ? firsts[i] : next;
            }
        }

        /** The first record of a file that was full long ago: the log reaches at least as far as that. */
        private void older(Envelope.Sealed record, Path file) {
            if (before.isEmpty() && (notedOrigin < 0 || record.sequence() <= notedOrigin)) {
                origin = record.sequence() - 1;
            } else if (before.isEmpty() && record.sequence() > notedOrigin + 1) {
                gaps.add(new Gap(notedOrigin + 1, record.sequence() - 1, file));
            }
            before = Optional.of(record);
            last = Math.max(last, record.sequence());
            forced = Math.max(forced, record.forced());
            epoch = Math.max(epoch, record.epoch());
            skipped = true;
        }

        private Segment read(RecordScan scan, Path file, long limit) throws IOException {
            long first = 0;
            long end = 0;
            boolean remains = false;
            List<Long> offsets = new ArrayList<>();
            for (Optional<RecordScan.Found> next = scan.next(); next.isPresent(); next = scan.next()) {
                Envelope.Sealed record = next.get().record();
                if (!follows(record) || record.sequence() >= limit) {
                    remains = true;
                    continue;
                }
                if (record.sequence() > last + 1 && !skipped) {
                    gaps.add(new Gap(last + 1, record.sequence() - 1, file));
                }
                last = record.sequence();
                forced = Math.max(forced, record.forced());
                epoch = Math.max(epoch, record.epoch());
                before = Optional.of(record);
                skipped = false;
                first = first == 0 ? last : first;
                end = next.get().end();
                offsets.add(next.get().offset());
                remains = false;
            }
            remains |= scan.sawDamage();
            newest = offsets.isEmpty() ? newest : offsets;
            return new Segment(file, first, first == 0 ? 0 : last, end, scan.dataEnd(), remains);
        }

        private boolean follows(Envelope.Sealed record) {
            if (before.isEmpty()) {
                // A trim that was interrupted may have left older records than the note says.
                if (notedOrigin < 0 || record.sequence() <= notedOrigin) {
                    last = record.sequence() - 1;
                    origin = last;
                }
                return true;
            }
            Envelope.Sealed known = before.get();
            if (record.epoch() < known.epoch()) {
                return false; // left over from an earlier life
            }
            if (record.epoch() > known.epoch() && record.sequence() == last + 1 && !skipped) {
                // Within one life the sequence says it all; a later life goes on from one record and from no other.
                return Arrays.equals(record.previous(), known.hash());
            }
            return record.sequence() > last;
        }

        private byte[] head() {
            return before.map(Envelope.Sealed::hash).orElseGet(Envelope::genesis);
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

        private List<Gap> news(Set<String> known) {
            return gaps.stream().filter(gap -> !known.contains(gap.place())).toList();
        }

        LogSurvey closedCleanly(Set<String> known) {
            LogDirectory.CleanClose close = note.orElseThrow();
            if (last < close.last() && !segments.isEmpty()) {
                gaps.add(new Gap(
                        last + 1,
                        close.last(),
                        segments.get(segments.size() - 1).file()));
            }
            return new LogSurvey(
                    segments,
                    news(known),
                    origin,
                    close.last(),
                    close.head(),
                    Math.max(epoch, close.epoch()),
                    true,
                    newest);
        }

        LogSurvey leftOpen(Set<String> known) {
            return new LogSurvey(segments, news(known), origin, last, head(), epoch, false, newest);
        }
    }
}
