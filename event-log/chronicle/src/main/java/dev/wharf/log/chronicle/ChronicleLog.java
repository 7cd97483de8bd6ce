package dev.wharf.log.chronicle;

import dev.wharf.log.codec.record.Disk;
import dev.wharf.log.codec.record.LogDirectory;
import dev.wharf.log.codec.record.LogKind;
import dev.wharf.log.codec.record.LogSurvey;
import dev.wharf.log.codec.record.RecordLog;
import dev.wharf.log.codec.record.RecordScan;
import dev.wharf.log.codec.record.SegmentedLog;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;

/**
 * A log in Chronicle's queue files: one excerpt for each record, rolled by size.
 *
 * <p>Chronicle is fast and not durable, so what makes it so is ours: each excerpt carries our checksum; the file is forced by
 * a call that throws; its space is written as zeros ahead of the appender, because a full disk under a mapping ends the JVM
 * rather than the call; and a queue file is appended to again only if a checksum over all of it says that it is to the bit
 * what was closed cleanly. After any other end the files are read for what they hold, record by record, and the newest is
 * copied into a fresh one, so whatever a crash did to Chronicle's own headers and indexes is left behind.
 *
 * <p>Chronicle's many classes take longer to load than the history to be read. So reading needs none of them, and after a
 * clean end they are loaded beside it; the first append waits for them.
 */
public final class ChronicleLog extends SegmentedLog {
    /**
     * Where files live and how large they grow.
     *
     * @param fileBytes a file that has reached this size is full
     * @param reserveBytes how much is written as zeros at a time
     * @param blockBytes how much Chronicle maps at a time; an excerpt may take a quarter of it
     * @param beside where Chronicle is opened when nothing has to be mended first
     */
    public record Options(
            Path directory,
            Disk disk,
            String writer,
            int fileBytes,
            int reserveBytes,
            int blockBytes,
            Executor beside) {
        public Options(Path directory, String writer) {
            this(directory, Disk.REAL, writer, 8 << 20, 256 << 10, 16 << 20, Options::inThreadOfItsOwn);
        }

        private static void inThreadOfItsOwn(Runnable opening) {
            Thread thread = new Thread(opening, "wharf-journal");
            thread.setDaemon(true);
            thread.start();
        }
    }

    /** What an append may take beside its record: a file's header, two pages of an index, the mark at the end. */
    private static final int MARGIN = 64 << 10;

    private static final String METADATA = "metadata.cq4t";
    private static final int METADATA_BYTES = 128 << 10;

    private final Options options;
    private final Path queueDirectory;
    /** What files hold that are full; looked up when somebody asks. */
    private final Map<Path, Long> sizes = new ConcurrentHashMap<>();

    /** How the pen is got, and got again when that failed. */
    private final Opening how;

    private volatile CompletableFuture<Pen> opening = new CompletableFuture<>();
    /** What could not be saved before it is cut, because the disk is full; done before anything is appended. */
    private final List<LogSurvey.Segment> unsaved = new ArrayList<>();
    /** Held by readers while another file may take the newest one's place under them, and by whoever puts it there. */
    private final Object settling = new Object();

    private volatile boolean settled = true;

    public ChronicleLog(Options options) throws IOException {
        super(
                options.directory(),
                options.disk(),
                LogDirectory.take(options.directory(), options.disk(), LogKind.CHRONICLE, options.writer()));
        this.options = options;
        this.queueDirectory = LogKind.CHRONICLE.folder(options.directory());
        try {
            disk.makeDirectory(queueDirectory);
            LogSurvey survey = LogSurvey.of(disk, LogKind.CHRONICLE.files(disk, options.directory()), directory);
            surveyed(survey, sweep(survey));
            Optional<LogDirectory.LeftFile> left = untouched(survey);
            boolean atTheNext = segments.isEmpty() || justRolled(survey);
            long segment = atTheNext ? survey.last() + 1 : segments.lastKey();
            long end = left.map(LogDirectory.LeftFile::end).orElseGet(() -> atTheNext ? 0L : newestEnd(survey));
            tail = new Tail(segment, end, survey.last(), survey.head());
            if (atTheNext) {
                how = () -> {
                    saveCuts(survey);
                    return start();
                };
            } else if (left.isPresent()) {
                how = () -> resume(left.get());
            } else {
                Renewal renewal = new Renewal(survey);
                how = renewal;
                settleNow(renewal);
            }
        } catch (IOException | RuntimeException | Error e) {
            directory.close();
            throw e;
        }
        if (!opening.isDone()) {
            options.beside().execute(this::open);
        }
    }

    /**
     * Readers must not look at a file while another takes its place, so it is done before there are any. A full disk has no
     * space for the other one: then what there is can be read, and each append tries again.
     */
    private void settleNow(Renewal renewal) throws IOException {
        settled = false;
        try {
            opening.complete(renewal.open());
        } catch (IOException e) {
            if (!Disk.isFull(e)) {
                throw e;
            }
            opening.completeExceptionally(e);
        }
    }

    /** Whether the newest file will stay the one it is; where not, whoever reads does so holding {@link #settling()}. */
    boolean isSettled() {
        return settled;
    }

    Object settling() {
        return settling;
    }

    /** The newest file, if the log was closed cleanly and the file is still what it was. */
    private Optional<LogDirectory.LeftFile> untouched(LogSurvey survey) throws IOException {
        Optional<LogDirectory.LeftFile> left = directory.clean().flatMap(LogDirectory.CleanClose::newest);
        if (!survey.clean() || left.isEmpty() || segments.isEmpty() || mended().isPresent()) {
            return Optional.empty();
        }
        Map.Entry<Long, Path> newest = segments.lastEntry();
        return newest.getKey() == left.get().first() && left.get().fits(disk, newest.getValue())
                ? left
                : Optional.empty();
    }

    /** Whether the log was closed cleanly when its newest file held no record yet; then that file is simply begun again. */
    private boolean justRolled(LogSurvey survey) {
        return survey.clean()
                && mended().isEmpty()
                && directory
                        .clean()
                        .flatMap(LogDirectory.CleanClose::newest)
                        .filter(newest -> newest.first() == survey.last() + 1)
                        .isPresent();
    }

    private Path file(int cycle) {
        return queueDirectory.resolve(Cycles.fileName(cycle));
    }

    /** Takes away files that hold nothing to keep, saves what is cut, and answers how many bytes that was. */
    private long sweep(LogSurvey survey) throws IOException {
        long dropped = 0;
        for (LogSurvey.Segment segment : survey.segments()) {
            if (segment.remains() && !survey.clean()) {
                dropped += segment.dataEnd() - segment.end();
            }
            if (!segment.isEmpty()) {
                segments.put(segment.first(), segment.file());
            }
            unsaved.add(segment);
        }
        try {
            saveCuts(survey);
        } catch (IOException e) {
            if (!Disk.isFull(e)) {
                throw e;
            }
        }
        return dropped;
    }

    private void saveCuts(LogSurvey survey) throws IOException {
        while (!unsaved.isEmpty()) {
            LogSurvey.Segment segment = unsaved.get(0);
            boolean gap = survey.gaps().stream().anyMatch(g -> g.file().equals(segment.file()));
            // A file may hold nothing that ever looked like a record, and was full of them all the same.
            boolean overwritten = segment.isEmpty() && segment.dataEnd() > 0;
            if (segment.remains() || gap || overwritten) {
                directory.saveCut(segment.file(), gap ? 0 : segment.end(), segment.dataEnd());
            }
            if (segment.isEmpty()) {
                disk.delete(segment.file());
            }
            unsaved.remove(0);
        }
    }

    // ---- opening the queue

    /** What appends: an open queue, the newest file, and how far that is written with zeros. The appender's own. */
    private static final class Pen {
        private final CycleQueue queue;
        private final Cycles cycles;
        private Disk.Handle file;
        private long reserved;

        Pen(CycleQueue queue, Cycles cycles, Disk.Handle file, long reserved) {
            this.queue = queue;
            this.cycles = cycles;
            this.file = file;
            this.reserved = reserved;
        }
    }

    private interface Opening {
        Pen open() throws IOException;
    }

    private void open() {
        CompletableFuture<Pen> result = opening;
        try {
            result.complete(how.open());
        } catch (IOException | RuntimeException | Error e) {
            result.completeExceptionally(e);
        }
    }

    /** Waits for the pen. What failed once is tried again for every append, for the disk may have been full. */
    private Pen pen() throws IOException {
        if (opening.handle((pen, trouble) -> trouble != null).join()) {
            opening = new CompletableFuture<>();
            open();
        }
        try {
            return opening.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof IOException cause) {
                throw cause;
            }
            if (e.getCause() instanceof Error cause) {
                throw cause;
            }
            throw e;
        }
    }

    /** For readers, who do without the queue until it is open. */
    private Optional<CycleQueue> queue() {
        CompletableFuture<Pen> now = opening;
        return now.isDone() && !now.isCompletedExceptionally() ? Optional.of(now.join().queue) : Optional.empty();
    }

    private Pen start() throws IOException {
        Cycles clock = new Cycles(
                segments.isEmpty()
                        ? Cycles.now()
                        : Cycles.cycleOf(segments.lastEntry().getValue()).orElseThrow() + 1);
        // In this order: a queue that opens on a file of zeros waits for somebody else to write its header.
        CycleQueue fresh = openQueue(queueDirectory, clock);
        try {
            Begun begun = begin(clock.cycle(), tail.last() + 1);
            tail = tail.rolled(fresh.begin());
            return new Pen(fresh, clock, begun.file(), begun.reserved());
        } catch (IOException | RuntimeException | Error e) {
            fresh.close();
            throw e;
        }
    }

    private record Begun(Disk.Handle file, long reserved) {}

    /** Makes the file of a cycle, all zeros, which Chronicle takes for one that has to be begun. */
    private Begun begin(int cycle, long first) throws IOException {
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
        return new Begun(file, space);
    }

    /** Goes on in the newest file, which is as it was left. */
    private Pen resume(LogDirectory.LeftFile left) throws IOException {
        Path newest = segments.lastEntry().getValue();
        return open(newest, new Cycles(Cycles.cycleOf(newest).orElseThrow()), left.reserved());
    }

    private Pen open(Path newest, Cycles clock, long reserved) throws IOException {
        Disk.Handle file = disk.write(newest);
        try {
            return new Pen(openQueue(queueDirectory, clock), clock, file, reserved);
        } catch (IOException | RuntimeException | Error e) {
            file.close();
            throw e;
        }
    }

    /** Opens the queue when its newest file has been written anew, which is done once. */
    private final class Renewal implements Opening {
        private final LogSurvey survey;
        private final Path newest = segments.lastEntry().getValue();
        private final Cycles clock = new Cycles(Cycles.cycleOf(newest).orElseThrow());
        private long space;

        Renewal(LogSurvey survey) {
            this.survey = survey;
        }

        @Override
        public Pen open() throws IOException {
            if (!settled) {
                saveCuts(survey);
                space = renew(survey, newest, clock);
            }
            return ChronicleLog.this.open(newest, clock, space);
        }
    }

    /**
     * Copies the records of the newest file into a fresh file, puts that in its place, and answers how far it is written.
     * Until the new file is whole and forced, the old one keeps its name; a crash on the way leaves a fresh file that the next
     * start deletes.
     */
    private long renew(LogSurvey survey, Path newest, Cycles clock) throws IOException {
        Path workshop = options.directory().resolve("renewed");
        disk.makeDirectory(workshop);
        clear(workshop);
        Path fresh = workshop.resolve(Cycles.fileName(clock.cycle()));
        long space = newestEnd(survey) + MARGIN + options.reserveBytes();
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
        } catch (IOException e) {
            if (Disk.isFull(e)) {
                // What little it took is somebody else's to use.
                clear(workshop);
            }
            throw e;
        }
        synchronized (settling) {
            disk.rename(fresh, newest);
            tail = tail.with(end);
            settled = true;
        }
        disk.forceDirectory(queueDirectory);
        clear(workshop);
        return space;
    }

    private static long newestEnd(LogSurvey survey) {
        return survey.segments().stream()
                .filter(segment -> !segment.isEmpty())
                .mapToLong(LogSurvey.Segment::dataEnd)
                .reduce(0, (older, newer) -> newer);
    }

    private void clear(Path workshop) throws IOException {
        for (Path left : disk.list(workshop)) {
            disk.delete(left);
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
        Pen pen = pen();
        byte[] record = nextRecord(payload);
        boolean empty = tail.segment() > tail.last();
        if (tail.end() + record.length > options.fileBytes() && !empty) {
            rollOrStay();
        }
        reserve(pen, tail.end() + record.length + MARGIN);
        long end;
        try {
            end = pen.queue.append(record);
        } catch (RuntimeException | Error e) {
            throw breakWith(new IOException("Chronicle cannot append: " + e.getMessage(), e));
        }
        if (end > pen.reserved) {
            throw breakWith(new IOException("Chronicle wrote up to " + end + ", beyond the space kept for it"));
        }
        tail = tail.with(end, record);
        return tail.last();
    }

    @Override
    protected void roll() throws IOException {
        Pen pen = pen();
        force();
        synchronized (forcing) {
            Disk.Handle full = pen.file;
            // The very next, however much later: Chronicle looks into each cycle between two files when it opens them.
            int next = pen.cycles.cycle() + 1;
            Begun begun = begin(next, tail.last() + 1);
            pen.file = begun.file();
            pen.reserved = begun.reserved();
            pen.cycles.enter(next);
            try {
                tail = tail.rolled(pen.queue.begin());
            } catch (RuntimeException | Error e) {
                throw breakWith(new IOException("Chronicle cannot roll: " + e.getMessage(), e));
            } finally {
                full.close();
            }
        }
    }

    @Override
    public boolean hasRoom() {
        try {
            reserve(pen(), tail.end() + MARGIN + options.reserveBytes() / 2);
            return true;
        } catch (IOException e) {
            // What is broken says so when it is appended to.
            return isBroken();
        }
    }

    private void reserve(Pen pen, long upTo) throws IOException {
        if (upTo > pen.reserved) {
            long wanted = upTo + options.reserveBytes();
            // Behind what is reserved there is nothing yet, so these zeros go where nobody stores.
            pen.file.writeZeros(pen.reserved, wanted);
            pen.reserved = wanted;
        }
    }

    @Override
    protected Disk.Handle active() {
        return opening.join().file;
    }

    @Override
    protected Path segmentFolder() {
        return queueDirectory;
    }

    @Override
    protected void trimmed(List<Path> files) {
        sizes.keySet().removeAll(files);
        queue().ifPresent(CycleQueue::refresh);
    }

    // ---- reading

    @Override
    public Reader read(long sequence) {
        return new ChronicleReader(disk, this, this::queue, sequence);
    }

    @Override
    public RecordLog likewise(Path folder) throws IOException {
        return new ChronicleLog(new Options(folder, options.writer()));
    }

    @Override
    public long sizeBytes() {
        long size = 0;
        long newest = tail.segment();
        for (Map.Entry<Long, Path> segment : segments.entrySet()) {
            size += segment.getKey() == newest ? tail.end() : sizes.computeIfAbsent(segment.getValue(), this::filled);
        }
        return size;
    }

    /** Where the emptiness at the end of a full file begins; its length says little, for Chronicle makes it long and sparse. */
    private long filled(Path file) {
        ByteBuffer piece = ByteBuffer.allocate(64 << 10);
        try (Disk.Handle handle = disk.read(file)) {
            for (long at = Math.max(0, handle.size() - piece.capacity()); ; at = Math.max(0, at - piece.capacity())) {
                piece.clear();
                int got = handle.read(piece, at);
                for (int i = got - 1; i >= 0; i--) {
                    if (piece.get(i) != 0) {
                        return at + i + 1;
                    }
                }
                if (at == 0) {
                    return 0;
                }
            }
        } catch (IOException e) {
            return 0; // trimmed just now
        }
    }

    @Override
    public void close() throws IOException {
        if (closed) {
            return;
        }
        closed = true;
        Optional<Pen> pen =
                opening.handle((open, trouble) -> Optional.ofNullable(open)).join();
        try {
            if (pen.isPresent()) {
                pen.get().queue.close();
            }
            synchronized (forcing) {
                if (!isBroken() && pen.isPresent()) {
                    pen.get().file.force();
                    closeCleanly(Optional.of(seal(pen.get())));
                }
            }
        } catch (RuntimeException | Error e) {
            throw new IOException("Chronicle cannot close: " + e.getMessage(), e);
        } finally {
            if (pen.isPresent()) {
                pen.get().file.close();
            }
            directory.close();
        }
    }

    private LogDirectory.LeftFile seal(Pen pen) throws IOException {
        Map.Entry<Long, Path> newest = segments.lastEntry();
        return LogDirectory.LeftFile.of(disk, newest.getValue(), newest.getKey(), tail.end(), pen.reserved);
    }
}
