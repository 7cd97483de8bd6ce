package dev.wharf.log.codec.record;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;

/**
 * A log of either kind, to be read while no agent has it. Nothing in it is changed, and what a crash left at its end is
 * passed over as the next start of the agent would cut it.
 */
public final class ClosedLog implements RecordLog, LogView {
    private final LogDirectory directory;
    private final LogSurvey survey;
    private final ConcurrentSkipListMap<Long, Path> segments = new ConcurrentSkipListMap<>();
    private final Tail tail;
    private final Path path;

    private ClosedLog(Path path, LogDirectory directory, LogSurvey survey) {
        this.path = path;
        this.directory = directory;
        this.survey = survey;
        long end = 0;
        for (LogSurvey.Segment segment : survey.segments()) {
            if (!segment.isEmpty()) {
                segments.put(segment.first(), segment.file());
                end = segment.end();
            }
        }
        long newest = segments.isEmpty() ? survey.last() + 1 : segments.lastKey();
        tail = new Tail(newest, end, survey.last(), survey.head());
    }

    /** Opens the log in {@code path}; refuses while an agent has it. */
    public static ClosedLog open(Path path) throws IOException {
        Disk disk = Disk.REAL;
        LogKind kind = LogKind.USUAL;
        for (LogKind each : LogKind.values()) {
            kind = each.files(disk, path).isEmpty() ? kind : each;
        }
        if (!Files.isDirectory(path) || kind.files(disk, path).isEmpty()) {
            throw new NoSuchFileException(path.toString(), null, "there is no journal");
        }
        LogDirectory directory = LogDirectory.take(path, disk, kind, "");
        try {
            return new ClosedLog(path, directory, LogSurvey.of(disk, kind.files(disk, path), directory));
        } catch (IOException | RuntimeException | Error e) {
            directory.close();
            throw e;
        }
    }

    @Override
    public long append(byte[] payload) throws IOException {
        throw new IOException("the journal in " + path + " was opened to be read");
    }

    @Override
    public boolean hasRoom() {
        return false;
    }

    @Override
    public boolean isBroken() {
        return false;
    }

    @Override
    public void force() {
        // Nothing was written.
    }

    @Override
    public Reader read(long sequence) {
        return new SegmentReader(Disk.REAL, this, sequence);
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
        return survey.last();
    }

    @Override
    public long origin() {
        return survey.origin();
    }

    @Override
    public long forced() {
        return survey.last();
    }

    @Override
    public byte[] head() {
        return survey.head();
    }

    @Override
    public void trim(long sequence) throws IOException {
        throw new IOException("the journal in " + path + " was opened to be read");
    }

    @Override
    public Optional<Mended> mended() {
        return survey.report(0);
    }

    @Override
    public String writer() {
        return directory.writer();
    }

    @Override
    public RecordLog likewise(Path folder) throws IOException {
        throw new IOException("the journal in " + path + " was opened to be read");
    }

    @Override
    public long sizeBytes() {
        return tail.end();
    }

    @Override
    public void close() throws IOException {
        directory.close();
    }
}
