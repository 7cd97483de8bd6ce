package dev.wharf.runtime;

import static dev.wharf.spi.DriverException.failure;

import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure.Kind;
import dev.wharf.spi.runtime.LogCursor;
import dev.wharf.spi.runtime.LogQuery;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;

/**
 * A cursor over the log of one container, from its oldest part to the one that is being written. One that follows ends when
 * the writer is gone and all is read; another where the log ended when it began, however fast more is written.
 */
final class FileCursor implements LogCursor {
    /** What one poll reads at most, unless a single record is longer. */
    private static final int BLOCK = 256 * 1024;

    private static final Runnable NOBODY = () -> {};

    private final LogParts parts;
    private final LogQuery query;
    private final LogFile.Reader reader = new LogFile.Reader();
    private final LogFile.Joiner joiner;
    private final AtomicReference<Runnable> waiting = new AtomicReference<>(NOBODY);
    private final List<AutoCloseable> interests = new ArrayList<>();

    /** Where each of the lines that were given out last ended. */
    private final List<Place> ends = new ArrayList<>();

    private Optional<LogParts.Opened> part = Optional.empty();
    private long position;
    private boolean placed;
    private Optional<Place> from = Optional.empty();
    private Optional<Place> until = Optional.empty();

    /** Bytes of a record whose end is not written or not read yet. */
    private byte[] rest = new byte[0];

    private volatile boolean writerGone;
    private volatile boolean atEnd;
    private volatile boolean closed;

    /** A place in a log: the number of a part and the bytes before it in there. */
    record Place(long part, long position) {}

    /** A cursor over a log; without a writer it ends with the last file. */
    FileCursor(LogParts parts, LogQuery query, boolean hasWriter) {
        this.parts = parts;
        this.query = query;
        this.joiner = new LogFile.Joiner(query);
        this.writerGone = !hasWriter;
    }

    /** A cursor that begins at a place, or with the first that is left after it. */
    FileCursor(LogParts parts, LogQuery query, boolean hasWriter, Place from) {
        this(parts, query, hasWriter);
        this.from = Optional.of(from);
    }

    /** Where each of the lines of the last poll ended. */
    List<Place> ends() {
        return ends;
    }

    /** Closes {@code interest} together with the cursor. */
    synchronized void add(AutoCloseable interest) {
        if (closed) {
            close(interest);
        } else {
            interests.add(interest);
        }
    }

    /** The file may have grown. */
    void changed() {
        waiting.getAndSet(NOBODY).run();
    }

    /** Nobody writes any more. */
    void writerEnded() {
        writerGone = true;
        changed();
    }

    @Override
    public List<LogLine> poll() throws DriverException {
        List<LogLine> lines = new ArrayList<>();
        if (atEnd || closed) {
            return lines;
        }
        // Looked at before reading: what was written before the writer went is then read for sure.
        boolean last = writerGone || !query.follow();
        ends.clear();
        try {
            open();
            while (part.isPresent() && !fill(part.get(), lines) && !atEnd && isFull(last)) {
                // Read to its end once more: what was written before it was full is there for sure.
                if (fill(part.get(), lines) || !proceed()) {
                    break;
                }
            }
            if (!lines.isEmpty()) {
                return lines;
            }
        } catch (IOException e) {
            throw failure(Kind.FAILED, "cannot read log " + parts.log() + ": " + e.getMessage(), e);
        }
        if (last) {
            joiner.end(lines);
            Place end = part.map(p -> new Place(p.number(), p.cut() + position)).orElse(new Place(0, 0));
            while (ends.size() < lines.size()) {
                ends.add(end);
            }
            atEnd = true;
        }
        return lines;
    }

    private void open() throws IOException {
        if (part.isPresent()) {
            return;
        }
        if (until.isEmpty() && !query.follow()) {
            until = Optional.of(parts.end());
        }
        if (from.isPresent()) {
            part = parts.open(from.get().part());
            boolean same = part.map(p -> p.number() == from.get().part()).orElse(false);
            position =
                    part.map(p -> Math.max(0, from.get().position() - p.cut())).orElse(0L);
            if (!same) {
                position = 0;
            }
        } else if (query.tail() < 0) {
            part = parts.open(firstSince());
            position = 0;
        } else if (!placed) {
            findTail();
        } else {
            part = parts.open(0);
            position = 0;
        }
        placed |= part.isPresent();
    }

    /** Parts that were written to last before anything of interest need not be read. */
    private long firstSince() throws IOException {
        if (query.since().isPresent()) {
            for (LogParts.Part one : parts.full()) {
                if (Files.getLastModifiedTime(one.path())
                        .toInstant()
                        .isBefore(query.since().get())) {
                    continue;
                }
                return one.number();
            }
            return parts.current();
        }
        return 0;
    }

    /** The last lines, from the newest part back as far as they reach. */
    private void findTail() throws IOException {
        LogFile.Tail tail = new LogFile.Tail(query, query.tail());
        for (long number = parts.current(); ; ) {
            Optional<LogParts.Opened> opened = parts.open(number);
            if (opened.isPresent()) {
                part.ifPresent(FileCursor::close);
                part = opened;
                position = tail.find(opened.get().file(), end(opened.get()));
                number = opened.get().number();
            }
            long older = number;
            Optional<LogParts.Part> before =
                    parts.full().stream().filter(p -> p.number() < older).reduce((one, two) -> two);
            if (tail.isFound() || before.isEmpty()) {
                return;
            }
            number = before.get().number();
        }
    }

    /** How far the file of a part is to be read, as far as it is written now. */
    private long end(LogParts.Opened open) throws IOException {
        long size = open.file().size();
        if (until.isEmpty() || open.number() < until.get().part()) {
            return size;
        }
        return open.number() > until.get().part()
                ? 0
                : Math.min(size, until.get().position() - open.cut());
    }

    /** Whether nothing more will be written to the part: the path of the log leads to another file by now. */
    private boolean isFull(boolean last) throws IOException {
        LogParts.Opened open = part.orElseThrow();
        Optional<Object> current = parts.currentIdentity();
        if (current.isEmpty()) {
            // The writer has yet to open its log anew, and may write here until then.
            return last && open.number() < parts.current();
        }
        if (current.get().equals(open.identity())) {
            if (Files.size(parts.log()) < position) {
                position = 0;
                rest = new byte[0];
                return true;
            }
            return false;
        }
        return true;
    }

    /** Goes on with the next part; false where there is none yet. */
    private boolean proceed() throws IOException {
        LogParts.Opened open = part.orElseThrow();
        Optional<Object> current = parts.currentIdentity();
        if (current.isPresent() && current.get().equals(open.identity())) {
            return true;
        }
        boolean known = parts.current() > open.number();
        Optional<LogParts.Opened> next = parts.open(known ? open.number() + 1 : open.number());
        if (next.isEmpty()) {
            return false;
        }
        close(open);
        part = next;
        position = 0;
        rest = new byte[0];
        return true;
    }

    private static void close(LogParts.Opened opened) {
        close(opened.file());
    }

    /** Reads on, until there is at least one line or nothing is left; false where nothing was left. */
    private boolean fill(LogParts.Opened open, List<LogLine> lines) throws IOException {
        boolean more = true;
        while (more && lines.isEmpty() && !atEnd) {
            // Of a log's end there is often little to read, and one byte of room more shows whether that was all.
            long left = Math.max(0, end(open) - position);
            int room = (int) Math.min(BLOCK, until.isPresent() ? left : left + 1);
            if (room == 0) {
                return false;
            }
            byte[] bytes = Arrays.copyOf(rest, rest.length + room);
            int count = open.file().read(ByteBuffer.wrap(bytes, rest.length, room), position);
            if (count <= 0) {
                return false;
            }
            position += count;
            take(open, bytes, rest.length + count, lines);
            more = count == room;
        }
        return !lines.isEmpty();
    }

    private void take(LogParts.Opened open, byte[] bytes, int end, List<LogLine> lines) {
        int start = 0;
        long first = open.cut() + position - end;
        for (int i = LogFile.newline(bytes, rest.length, end); i < end; i = LogFile.newline(bytes, start, end)) {
            LogFile.Record record = reader.read(bytes, start, i + 1);
            start = i + 1;
            if (record != null) {
                joiner.take(record, bytes, lines);
                while (ends.size() < lines.size()) {
                    ends.add(new Place(open.number(), first + start));
                }
                if (joiner.isPast()) {
                    atEnd = true;
                    return;
                }
            }
        }
        rest = Arrays.copyOfRange(bytes, start, end);
    }

    @Override
    public boolean isAtEnd() {
        return atEnd || closed;
    }

    @Override
    public void onMore(Runnable wake) {
        waiting.set(wake);
        if (isAtEnd() || writerGone || !query.follow() || hasMore()) {
            changed();
        }
    }

    private boolean hasMore() {
        try {
            Optional<Object> current = parts.currentIdentity();
            return part.isEmpty()
                    ? current.isPresent()
                    : part.get().file().size() != position
                            || current.isPresent()
                                    && !current.get().equals(part.get().identity());
        } catch (IOException e) {
            return false;
        }
    }

    @Override
    public synchronized void close() {
        closed = true;
        interests.forEach(FileCursor::close);
        interests.clear();
        part.ifPresent(FileCursor::close);
        part = Optional.empty();
        changed();
    }

    private static void close(AutoCloseable closeable) {
        try {
            closeable.close();
        } catch (Exception e) {
            throw new IllegalStateException("cannot close " + closeable, e);
        }
    }
}
