package dev.wharf.log.codec.record;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;

/**
 * What logs have in common that keep their records in files one after another: where they stand, what is durable and when no
 * more is taken, and the deletion of whole files. How records lie in a file is for each kind to say.
 */
public abstract class SegmentedLog implements RecordLog, LogView {
    /** The folder of the log, which {@link #directory} is taken of. */
    protected final Path folder;

    protected final Disk disk;
    protected final LogDirectory directory;

    /** Every segment by its first sequence; the last is the one that grows. */
    protected final ConcurrentSkipListMap<Long, Path> segments = new ConcurrentSkipListMap<>();

    /** Held while a file is forced and while the active file changes, so that neither happens under the other. */
    protected final Object forcing = new Object();

    /** Set by the appender alone. */
    protected volatile Tail tail = new Tail(1, 0, 0, Envelope.genesis());

    protected volatile boolean closed;
    private volatile long origin;
    private volatile long forced;
    private volatile Optional<IOException> broken = Optional.empty();
    private Optional<Mended> mended = Optional.empty();
    private int epoch;

    /** A log in a folder that was taken for it. */
    protected SegmentedLog(Path folder, Disk disk, LogDirectory directory) {
        this.folder = folder;
        this.disk = disk;
        this.directory = directory;
    }

    /** Goes on from what was found, of which {@code dropped} bytes were cut. */
    protected final void surveyed(LogSurvey survey, long dropped) throws IOException {
        mended = survey.report(dropped);
        directory.rememberDamage(survey.gaps());
        origin = survey.origin();
        forced = survey.last();
        epoch = survey.epoch() + 1;
    }

    /** The file that records are appended to now; called holding {@link #forcing}. */
    protected abstract Disk.Handle active();

    /** Forces the full file and goes on in a new one; when there is no space for one, the old one stays. */
    protected abstract void roll() throws IOException;

    /** The folder in which the segments lie. */
    protected abstract Path segmentFolder();

    /** Files were deleted. */
    protected void trimmed(List<Path> files) {}

    /** The next record with this payload, where the log takes any. */
    protected final byte[] nextRecord(byte[] payload) throws IOException {
        refuseIfBroken();
        Envelope.requireFitting(payload);
        directory.beginWriting(origin);
        return Envelope.seal(epoch, tail.last() + 1, forced, tail.head(), payload);
    }

    /** Where there is no space for another file, the full one grows on: what is kept for hard times is in it. */
    protected final void rollOrStay() throws IOException {
        try {
            roll();
        } catch (IOException e) {
            if (isBroken()) {
                throw e;
            }
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
                active().force();
            } catch (IOException e) {
                // The kernel may have dropped the pages it could not write and forgotten about it, so that a second
                // force would succeed and mean nothing.
                throw breakWith(e);
            }
            forced = upTo;
        }
    }

    /** Leaves a note that the log is closed cleanly, when all of it was forced. */
    protected final void closeCleanly(Optional<LogDirectory.LeftFile> newest) throws IOException {
        forced = tail.last();
        directory.closeCleanly(new LogDirectory.CleanClose(tail.last(), tail.head(), epoch, newest));
    }

    @Override
    public boolean isBroken() {
        return broken.isPresent();
    }

    /** Takes nothing more from now on. */
    protected final IOException breakWith(IOException cause) {
        broken = Optional.of(cause);
        return cause;
    }

    protected final void refuseIfBroken() throws IOException {
        if (closed) {
            throw new IOException("the journal in " + folder + " is closed");
        }
        if (broken.isPresent()) {
            throw new IOException(
                    "the journal in " + folder + " takes nothing more since it failed: "
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
        }
        disk.forceDirectory(segmentFolder());
        trimmed(old);
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
}
