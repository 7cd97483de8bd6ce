package dev.wharf.log.chronicle;

import dev.wharf.log.codec.record.Disk;
import dev.wharf.log.codec.record.Envelope;
import dev.wharf.log.codec.record.LogDirectory;
import dev.wharf.log.codec.record.LogSurvey;
import dev.wharf.log.codec.record.LogView;
import dev.wharf.log.codec.record.RecordLog;
import dev.wharf.log.codec.record.RecordScan;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;

/**
 * A log in Chronicle's queue files: one excerpt for each record, rolled by size.
 *
 * <p>Chronicle is fast and not durable, so what makes it so is ours: each excerpt carries our checksum; the file is forced by
 * a call that throws; its space is written as zeros ahead of the appender, because a full disk under a mapping ends the JVM
 * rather than the call; and no queue file is ever appended to that this process did not write. Opening reads the files
 * for what they hold, record by record, and copies the newest into a fresh one, so whatever a crash did to Chronicle's own
 * headers and indexes is left behind.
 */
public final class ChronicleLog implements RecordLog, LogView {
    /**
     * Where files live and how large they grow.
     *
     * @param fileBytes a file that has reached this size is full
     * @param reserveBytes how much is written as zeros at a time
     * @param blockBytes how much Chronicle maps at a time; an excerpt may take a quarter of it
     */
    public record Options(Path directory, Disk disk, String writer, int fileBytes, int reserveBytes, int blockBytes) {
        public Options(Path directory, String writer) {
            this(directory, Disk.REAL, writer, 8 << 20, 256 << 10, 16 << 20);
        }
    }

    /** What an append may take beside its record: a file's header, two pages of an index, the mark at the end. */
    private static final int MARGIN = 64 << 10;

    private static final String METADATA = "metadata.cq4t";
    private static final int METADATA_BYTES = 128 << 10;

    private final Options options;
    private final Disk disk;
    private final Path queueDirectory;
    private final LogDirectory directory;
    private final Optional<Mended> mended;
    private final int epoch;
    private final ConcurrentSkipListMap<Long, Path> segments = new ConcurrentSkipListMap<>();
    private final Map<Path, Long> sizes = new ConcurrentHashMap<>();
    private final CycleQueue queue;
    private final Cycles cycles;

    private volatile Tail tail;
    private volatile long origin;
    private volatile long forced;
    private volatile boolean closed;
    private volatile Optional<IOException> broken = Optional.empty();
    // The appender's own, but for the active file, which changes under the lock below.
    private Disk.Handle active;
    private long reserved;
    /** Held while a file is forced and while the active file changes, so that neither happens under the other. */
    private final Object forcing = new Object();

    public ChronicleLog(Options options) throws IOException {
        this.options = options;
        this.disk = options.disk();
        this.queueDirectory = options.directory().resolve("queue");
        this.directory = LogDirectory.take(options.directory(), disk, "chronicle", options.writer());
        try {
            disk.makeDirectory(queueDirectory);
            LogSurvey survey = LogSurvey.of(disk, files(), directory);
            mended = survey.report(sweep(survey));
            origin = survey.origin();
            epoch = survey.epoch() + 1;
            Opened opened = segments.isEmpty() ? start(survey) : renew(survey);
            queue = opened.queue();
            cycles = opened.cycles();
            active = opened.place().file();
            reserved = opened.place().reserved();
            tail = new Tail(segments.lastKey(), opened.place().end(), survey.last(), survey.head());
            forced = survey.last();
        } catch (IOException | RuntimeException | Error e) {
            directory.close();
            throw e;
        }
    }

    private List<Path> files() throws IOException {
        return disk.list(queueDirectory).stream()
                .filter(file -> Cycles.cycleOf(file).isPresent())
                .toList();
    }

    private Path file(int cycle) {
        return queueDirectory.resolve(Cycles.fileName(cycle));
    }

    /** Takes away files that hold nothing to keep, saves what is cut, and answers how many bytes that was. */
    private long sweep(LogSurvey survey) throws IOException {
        long dropped = 0;
        for (LogSurvey.Segment segment : survey.segments()) {
            boolean gap = survey.gaps().stream().anyMatch(g -> g.file().equals(segment.file()));
            if (segment.remains() || gap) {
                directory.saveCut(segment.file(), gap ? 0 : segment.end(), segment.dataEnd());
            }
            if (segment.remains() && !survey.clean()) {
                dropped += segment.dataEnd() - segment.end();
            }
            if (segment.isEmpty()) {
                disk.delete(segment.file());
            } else {
                segments.put(segment.first(), segment.file());
                sizes.put(segment.file(), segment.dataEnd());
            }
        }
        return dropped;
    }

    /** Where the next record goes: a file, an offset in it, and how far zeros are written. */
    private record Place(Disk.Handle file, long end, long reserved) {}

    private record Opened(CycleQueue queue, Cycles cycles, Place place) {}

    private Opened start(LogSurvey survey) throws IOException {
        Cycles clock = new Cycles(Cycles.now(0));
        // In this order: a queue that opens on a file of zeros waits for somebody else to write its header.
        CycleQueue fresh = openQueue(queueDirectory, clock);
        try {
            Place place = begin(clock.cycle(), survey.last() + 1);
            return new Opened(fresh, clock, new Place(place.file(), fresh.begin(), place.reserved()));
        } catch (IOException | RuntimeException | Error e) {
            fresh.close();
            throw e;
        }
    }

    /** Makes the file of a cycle, all zeros, which Chronicle takes for one that has to be begun. */
    private Place begin(int cycle, long first) throws IOException {
        Path path = file(cycle);
        long space = options.reserveBytes() + MARGIN;
        Disk.Handle file = disk.write(path);
        try {
            file.truncate(0);
            file.writeZeros(0, space);
            file.force();
            disk.forceDirectory(queueDirectory);
        } catch (IOException e) {
            file.close();
            disk.delete(path);
            throw e;
        }
        segments.put(first, path);
        return new Place(file, 0, space);
    }

    /** Copies the records of the newest file into a fresh file, puts that in its place, and opens the queue. */
    private Opened renew(LogSurvey survey) throws IOException {
        Path newest = segments.lastEntry().getValue();
        Cycles clock = new Cycles(Cycles.cycleOf(newest).orElseThrow());
        Path workshop = options.directory().resolve("renewed");
        disk.makeDirectory(workshop);
        for (Path left : disk.list(workshop)) {
            disk.delete(left);
        }
        Path fresh = workshop.resolve(Cycles.fileName(clock.cycle()));
        long space = sizes.getOrDefault(newest, 0L) + MARGIN + options.reserveBytes();
        long end = 0;
        try (CycleQueue copy = openQueue(workshop, clock);
                Disk.Handle file = disk.write(fresh)) {
            file.writeZeros(0, space);
            for (byte[] record : records(newest, survey.newestOffsets())) {
                end = copy.append(record);
            }
            file.force();
        } catch (RuntimeException | InternalError e) {
            throw new IOException("Chronicle cannot copy " + newest + ": " + e.getMessage(), e);
        }
        disk.rename(fresh, newest);
        disk.forceDirectory(queueDirectory);
        Disk.Handle file = disk.write(newest);
        try {
            return new Opened(openQueue(queueDirectory, clock), clock, new Place(file, end, space));
        } catch (IOException | RuntimeException | Error e) {
            file.close();
            throw e;
        }
    }

    private List<byte[]> records(Path file, List<Long> offsets) throws IOException {
        List<byte[]> records = new ArrayList<>();
        try (RecordScan scan = new RecordScan(disk, file, 0)) {
            for (long offset : offsets) {
                Optional<RecordScan.Found> found = scan.next();
                while (found.isPresent() && found.get().offset() < offset) {
                    found = scan.next();
                }
                records.add(found.orElseThrow(() -> new IOException(file + " changes while it is read"))
                        .record()
                        .bytes());
            }
        }
        return records;
    }

    private CycleQueue openQueue(Path where, Cycles clock) throws IOException {
        // Chronicle keeps its lock and its listing in here. After a crash the lock may name a process that is somebody
        // else by now, so the file is made anew each time; our own lock is held by now.
        Path metadata = where.resolve(METADATA);
        disk.delete(metadata);
        try (Disk.Handle file = disk.write(metadata)) {
            file.writeZeros(0, METADATA_BYTES);
        }
        return CycleQueue.open(where, clock, options.blockBytes());
    }

    // ---- appending

    @Override
    public long append(byte[] payload) throws IOException {
        refuseIfBroken();
        if (payload.length > Envelope.MAX_PAYLOAD_BYTES) {
            throw new IOException("a batch of " + payload.length + " bytes is more than the journal takes, "
                    + Envelope.MAX_PAYLOAD_BYTES);
        }
        directory.beginWriting(origin);
        byte[] record = Envelope.seal(epoch, tail.last() + 1, forced, tail.head(), payload);
        boolean empty = tail.segment() > tail.last();
        if (tail.end() + record.length > options.fileBytes() && !empty) {
            roll();
        }
        reserve(tail.end() + record.length + MARGIN);
        long end;
        try {
            end = queue.append(record);
        } catch (RuntimeException | Error e) {
            throw breakWith(new IOException("Chronicle cannot append: " + e.getMessage(), e));
        }
        if (end > reserved) {
            throw breakWith(new IOException("Chronicle wrote up to " + end + ", beyond the space kept for it"));
        }
        tail = tail.with(end, record);
        return tail.last();
    }

    /** Forces the full file and goes on in the next cycle; when there is no space for it, the old file stays. */
    private void roll() throws IOException {
        force();
        synchronized (forcing) {
            Disk.Handle full = active;
            sizes.put(segments.lastEntry().getValue(), tail.end());
            int next = Cycles.now(cycles.cycle() + 1);
            Place place = begin(next, tail.last() + 1);
            active = place.file();
            reserved = place.reserved();
            cycles.enter(next);
            try {
                tail = tail.rolled(queue.begin());
            } catch (RuntimeException | Error e) {
                throw breakWith(new IOException("Chronicle cannot roll: " + e.getMessage(), e));
            } finally {
                full.close();
            }
        }
    }

    private void reserve(long upTo) throws IOException {
        if (upTo > reserved) {
            long wanted = upTo + options.reserveBytes();
            // Behind what is reserved there is nothing yet, so these zeros go where nobody stores.
            active.writeZeros(reserved, wanted);
            reserved = wanted;
        }
    }

    @Override
    public void force() throws IOException {
        synchronized (forcing) {
            refuseIfBroken();
            long upTo = tail.last();
            if (upTo == forced) {
                return;
            }
            try {
                active.force();
            } catch (IOException e) {
                // The kernel may have dropped the pages it could not write and forgotten about it, so that a second
                // force would succeed and mean nothing.
                throw breakWith(e);
            }
            forced = upTo;
        }
    }

    private IOException breakWith(IOException cause) {
        broken = Optional.of(cause);
        return cause;
    }

    private void refuseIfBroken() throws IOException {
        if (closed) {
            throw new IOException("the journal in " + options.directory() + " is closed");
        }
        if (broken.isPresent()) {
            throw new IOException(
                    "the journal in " + options.directory() + " takes nothing more since it failed: "
                            + broken.get().getMessage(),
                    broken.get());
        }
    }

    @Override
    public void trim(long sequence) throws IOException {
        List<Path> old = new ArrayList<>();
        long keep = origin;
        for (Map.Entry<Long, Path> segment : segments.entrySet()) {
            Long next = segments.higherKey(segment.getKey());
            if (next == null || next > sequence + 1) {
                break;
            }
            old.add(segment.getValue());
            keep = next - 1;
        }
        if (old.isEmpty()) {
            return;
        }
        directory.origin(keep);
        origin = keep;
        segments.headMap(keep + 1).clear();
        for (Path file : old) {
            disk.delete(file);
            sizes.remove(file);
        }
        disk.forceDirectory(queueDirectory);
        queue.refresh();
    }

    // ---- reading

    @Override
    public Reader read(long sequence) {
        return new ChronicleReader(disk, this, queue, sequence);
    }

    @Override
    public Tail tail() {
        return tail;
    }

    @Override
    public NavigableMap<Long, Path> segments() {
        return segments;
    }

    @Override
    public long last() {
        return tail.last();
    }

    @Override
    public long origin() {
        return origin;
    }

    @Override
    public long forced() {
        return forced;
    }

    @Override
    public byte[] head() {
        return tail.head().clone();
    }

    @Override
    public Optional<Mended> mended() {
        return mended;
    }

    @Override
    public String writer() {
        return directory.writer();
    }

    @Override
    public long sizeBytes() {
        Map.Entry<Long, Path> newest = segments.lastEntry();
        return sizes.entrySet().stream()
                        .filter(file -> !file.getKey().equals(newest.getValue()))
                        .mapToLong(Map.Entry::getValue)
                        .sum()
                + reserved;
    }

    @Override
    public void close() throws IOException {
        if (closed) {
            return;
        }
        closed = true;
        try {
            queue.close();
            synchronized (forcing) {
                if (broken.isEmpty()) {
                    active.force();
                    forced = tail.last();
                    directory.closeCleanly(tail.last(), tail.head(), epoch);
                }
            }
        } catch (RuntimeException | Error e) {
            throw new IOException("Chronicle cannot close: " + e.getMessage(), e);
        } finally {
            active.close();
            directory.close();
        }
    }
}
