package dev.wharf.runtime;

import static dev.wharf.spi.DriverException.failure;

import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure.Kind;
import dev.wharf.spi.runtime.LogCursor;
import dev.wharf.spi.runtime.LogQuery;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;

/**
 * A cursor over the log file of one container. It follows the file through a new beginning (the monitor starts a log anew
 * when it has grown to its limit), and ends when the writer is gone and all is read.
 */
final class FileCursor implements LogCursor {
    /** What one poll reads at most, unless a single record is longer. */
    private static final int BLOCK = 256 * 1024;

    private static final Runnable NOBODY = () -> {};

    private final Path path;
    private final LogQuery query;
    private final LogFile.Reader reader = new LogFile.Reader();
    private final LogFile.Joiner joiner;
    private final AtomicReference<Runnable> waiting = new AtomicReference<>(NOBODY);
    private final List<AutoCloseable> interests = new ArrayList<>();

    private Optional<FileChannel> file = Optional.empty();
    private Object identity = "";
    private long position;
    private boolean placed;

    /** Bytes of a record whose end is not written or not read yet. */
    private byte[] rest = new byte[0];

    private volatile boolean writerGone;
    private volatile boolean atEnd;
    private volatile boolean closed;

    /** A cursor over {@code path}; without a writer it ends with the file. */
    FileCursor(Path path, LogQuery query, boolean hasWriter) {
        this.path = path;
        this.query = query;
        this.joiner = new LogFile.Joiner(query);
        this.writerGone = !hasWriter;
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
        try {
            open();
            if (file.isPresent() && fill(file.get(), lines)) {
                return lines;
            }
            if (file.isPresent() && startedAnew()) {
                reopen();
                if (fill(file.orElseThrow(), lines)) {
                    return lines;
                }
            }
        } catch (IOException e) {
            throw failure(Kind.FAILED, "cannot read log " + path + ": " + e.getMessage(), e);
        }
        if (last) {
            joiner.end(lines);
            atEnd = true;
        }
        return lines;
    }

    private void open() throws IOException {
        if (file.isPresent()) {
            return;
        }
        try {
            file = Optional.of(FileChannel.open(path, StandardOpenOption.READ));
            identity = identity();
        } catch (NoSuchFileException e) {
            return;
        }
        if (!placed) {
            placed = true;
            position = query.tail() < 0 ? 0 : LogFile.tail(file.get(), query, query.tail());
        }
    }

    private Object identity() throws IOException {
        return Objects.requireNonNullElse(
                Files.readAttributes(path, java.nio.file.attribute.BasicFileAttributes.class)
                        .fileKey(),
                "");
    }

    private boolean startedAnew() throws IOException {
        try {
            return !identity().equals(identity) || Files.size(path) < position;
        } catch (NoSuchFileException e) {
            return false;
        }
    }

    private void reopen() throws IOException {
        file.orElseThrow().close();
        file = Optional.empty();
        position = 0;
        rest = new byte[0];
        open();
    }

    /** Reads on, until there is at least one line or nothing is left; false where nothing was left. */
    private boolean fill(FileChannel channel, List<LogLine> lines) throws IOException {
        boolean more = true;
        while (more && lines.isEmpty() && !atEnd) {
            byte[] bytes = Arrays.copyOf(rest, rest.length + BLOCK);
            int count = channel.read(ByteBuffer.wrap(bytes, rest.length, BLOCK), position);
            if (count <= 0) {
                return false;
            }
            position += count;
            take(bytes, rest.length + count, lines);
            more = count == BLOCK;
        }
        return !lines.isEmpty();
    }

    private void take(byte[] bytes, int end, List<LogLine> lines) {
        int start = 0;
        for (int i = rest.length; i < end; i++) {
            if (bytes[i] == '\n') {
                LogFile.Record record = reader.read(bytes, start, i + 1);
                start = i + 1;
                if (record != null) {
                    joiner.take(record, bytes, lines);
                    if (joiner.isPast()) {
                        atEnd = true;
                        return;
                    }
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
            return Files.size(path) != position || (file.isPresent() && startedAnew());
        } catch (IOException e) {
            return false;
        }
    }

    @Override
    public synchronized void close() {
        closed = true;
        interests.forEach(FileCursor::close);
        interests.clear();
        file.ifPresent(FileCursor::close);
        file = Optional.empty();
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
