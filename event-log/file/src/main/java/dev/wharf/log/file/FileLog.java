package dev.wharf.log.file;

import dev.wharf.log.codec.record.Disk;
import dev.wharf.log.codec.record.LogDirectory;
import dev.wharf.log.codec.record.LogKind;
import dev.wharf.log.codec.record.LogSurvey;
import dev.wharf.log.codec.record.RecordLog;
import dev.wharf.log.codec.record.RecordScan;
import dev.wharf.log.codec.record.SegmentReader;
import dev.wharf.log.codec.record.SegmentedLog;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * A log in plain files: records one after another in segments named by their first sequence. Space is written as zeros before
 * it is needed, which halves the cost of a force and makes a full disk known before a record is half written.
 */
public final class FileLog extends SegmentedLog {
    /** Where files live and how large they grow. */
    public record Options(Path directory, Disk disk, String writer, int segmentBytes, int reserveBytes) {
        public Options(Path directory, String writer) {
            this(directory, Disk.REAL, writer, 8 << 20, 1 << 20);
        }
    }

    private static final String SUFFIX = ".records";

    private final Options options;
    // The appender's own.
    private Disk.Handle active;
    private long reserved;

    public FileLog(Options options) throws IOException {
        super(
                options.directory(),
                options.disk(),
                LogDirectory.take(options.directory(), options.disk(), LogKind.FILE, options.writer()));
        this.options = options;
        try {
            LogSurvey survey = LogSurvey.of(disk, files(), directory);
            surveyed(survey, cut(survey));
            Place place = segments.isEmpty() ? begin(survey.last() + 1) : resume(survey);
            disk.forceDirectory(options.directory());
            active = place.file();
            reserved = place.reserved();
            tail = new Tail(place.segment(), place.end(), survey.last(), survey.head());
        } catch (IOException | RuntimeException | Error e) {
            directory.close();
            throw e;
        }
    }

    private List<Path> files() throws IOException {
        return LogKind.FILE.files(disk, options.directory());
    }

    private Path file(long first) {
        return options.directory().resolve(String.format("%020d%s", first, SUFFIX));
    }

    private static long firstOf(Path file) {
        return Long.parseLong(file.getFileName().toString().substring(0, 20));
    }

    /** Cuts what is not to be kept, and answers how much that was. */
    private long cut(LogSurvey survey) throws IOException {
        long dropped = 0;
        for (LogSurvey.Segment segment : survey.segments()) {
            boolean cut = segment.dataEnd() > segment.end() && (segment.isEmpty() || !survey.clean());
            if (cut) {
                directory.saveCut(segment.file(), segment.end(), segment.dataEnd());
                dropped += segment.dataEnd() - segment.end();
            }
            if (segment.isEmpty()) {
                disk.delete(segment.file());
                continue;
            }
            segments.put(firstOf(segment.file()), segment.file());
            if (cut) {
                try (Disk.Handle handle = disk.write(segment.file())) {
                    handle.truncate(segment.end());
                    handle.force();
                }
            }
        }
        return dropped;
    }

    /** Where the next record goes: a segment, an offset in it, and how far zeros are written. */
    private record Place(long segment, Disk.Handle file, long end, long reserved) {}

    private Place resume(LogSurvey survey) throws IOException {
        LogSurvey.Segment newest = survey.segments().stream()
                .filter(segment -> !segment.isEmpty())
                .reduce((one, other) -> other)
                .orElseThrow();
        Disk.Handle file = disk.write(newest.file());
        try {
            // Damaged records at the end of a log that was closed cleanly stay where they are, as evidence.
            long end = survey.clean() ? RecordScan.align(Math.max(newest.end(), newest.dataEnd())) : newest.end();
            // What was read will be decided by, so it may not go away any more.
            file.force();
            return new Place(firstOf(newest.file()), file, end, Math.max(end, file.size()));
        } catch (IOException e) {
            file.close();
            throw e;
        }
    }

    private Place begin(long first) throws IOException {
        Path path = file(first);
        Disk.Handle file = disk.write(path);
        try {
            file.truncate(0);
            file.writeZeros(0, options.reserveBytes());
            file.force();
            disk.forceDirectory(options.directory());
        } catch (IOException e) {
            file.close();
            disk.delete(path);
            throw e;
        }
        segments.put(first, path);
        return new Place(first, file, 0, options.reserveBytes());
    }

    @Override
    public long append(byte[] payload) throws IOException {
        byte[] record = nextRecord(payload);
        if (RecordScan.align(tail.end() + record.length) > options.segmentBytes() && tail.end() > 0) {
            rollOrStay();
        }
        long end = tail.end();
        long after = RecordScan.align(end + record.length);
        reserve(after);
        try {
            active.writeFully(ByteBuffer.wrap(record), end);
        } catch (IOException e) {
            throw unwrite(end, after, e);
        }
        tail = tail.with(after, record);
        return tail.last();
    }

    @Override
    protected void roll() throws IOException {
        force();
        synchronized (forcing) {
            Disk.Handle full = active;
            Place place = begin(tail.last() + 1);
            active = place.file();
            reserved = place.reserved();
            tail = tail.rolled(place.end());
            full.close();
        }
    }

    @Override
    public boolean hasRoom() {
        try {
            reserve(tail.end() + options.reserveBytes() / 2);
            return true;
        } catch (IOException e) {
            // What is broken says so when it is appended to.
            return isBroken();
        }
    }

    private void reserve(long upTo) throws IOException {
        if (upTo > reserved) {
            long wanted = upTo + options.reserveBytes();
            active.writeZeros(reserved, wanted);
            reserved = wanted;
        }
    }

    /** Takes back half a record, so that the log is as it was; where even that fails the log is broken. */
    private IOException unwrite(long from, long upTo, IOException cause) {
        try {
            active.writeZeros(from, upTo);
        } catch (IOException e) {
            cause.addSuppressed(e);
            return breakWith(cause);
        }
        return cause;
    }

    @Override
    protected Disk.Handle active() {
        return active;
    }

    @Override
    protected Path segmentFolder() {
        return folder;
    }

    @Override
    public Reader read(long sequence) {
        return new SegmentReader(disk, this, sequence);
    }

    @Override
    public RecordLog likewise(Path folder) throws IOException {
        return new FileLog(new Options(folder, options.writer()));
    }

    @Override
    public long sizeBytes() {
        long size = 0;
        for (Path file : segments.values()) {
            try (Disk.Handle handle = disk.read(file)) {
                size += handle.size();
            } catch (IOException e) {
                // Trimmed just now: it takes no space any more.
            }
        }
        return size;
    }

    @Override
    public void close() throws IOException {
        if (closed) {
            return;
        }
        try {
            if (!isBroken()) {
                force();
                closeCleanly(Optional.empty());
            }
        } finally {
            closed = true;
            active.close();
            directory.close();
        }
    }
}
