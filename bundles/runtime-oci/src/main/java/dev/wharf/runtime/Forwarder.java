package dev.wharf.runtime;

import dev.wharf.spi.DriverException;
import dev.wharf.spi.runtime.LogCursor.LogLine;
import dev.wharf.spi.runtime.LogQuery;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends a log on, line by line, in a thread of its own. Where it is lies beside the log after each line, so the next agent
 * goes on there: a line is sent again only if this one died between sending it and writing that down.
 */
final class Forwarder implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Forwarder.class);
    private static final String PLACE = "log.sent-to-here";

    private final LogParts parts;
    private final LogTarget target;
    private final FileChannel place;
    private final FileCursor cursor;
    private final Thread thread;
    private volatile boolean closed;

    /** Begins to send; {@code writing} says whether somebody writes the log still. */
    Forwarder(LogParts parts, LogTarget target, boolean writing) throws IOException {
        this.parts = parts;
        this.target = target;
        Path file = parts.log().resolveSibling(PLACE);
        this.place =
                FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        LogQuery all = new LogQuery(true, true, Optional.empty(), Optional.empty(), -1, true);
        this.cursor = new FileCursor(parts, all, writing, read());
        this.thread = new Thread(this::run, "wharf-log-forwarder");
        thread.setDaemon(true);
        thread.start();
    }

    FileCursor cursor() {
        return cursor;
    }

    private FileCursor.Place read() throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(16);
        return place.read(bytes, 0) == 16
                ? new FileCursor.Place(bytes.getLong(0), bytes.getLong(8))
                : new FileCursor.Place(0, 0);
    }

    private void run() {
        try {
            while (!closed) {
                List<LogLine> lines = cursor.poll();
                for (int i = 0; i < lines.size(); i++) {
                    if (!send(lines.get(i))) {
                        return;
                    }
                    FileCursor.Place end = cursor.ends().get(i);
                    place.write(ByteBuffer.allocate(16).putLong(0, end.part()).putLong(8, end.position()), 0);
                }
                if (lines.isEmpty()) {
                    if (cursor.isAtEnd()) {
                        return;
                    }
                    Semaphore more = new Semaphore(0);
                    cursor.onMore(more::release);
                    more.acquire();
                }
            }
        } catch (DriverException | IOException e) {
            LOG.error("a log is sent on no further, restart the container to go on log={}", parts.log(), e);
        } catch (InterruptedException e) {
            LOG.debug("forwarding ends log={}", parts.log());
        } finally {
            target.close();
        }
    }

    /** Sends until that works, the target gives the line up, or nobody wants it any more. */
    private boolean send(LogLine line) throws InterruptedException {
        for (int tries = 0; !closed; tries++) {
            try {
                target.send(line);
                return true;
            } catch (InterruptedIOException e) {
                throw new InterruptedException();
            } catch (IOException e) {
                if (tries == 0) {
                    LOG.warn("cannot send a log on, trying again log={} reason={}", parts.log(), e.getMessage());
                }
                Optional<Duration> pause = target.pause(tries + 1);
                if (pause.isEmpty()) {
                    LOG.warn("a line of a log is not sent on log={} tries={}", parts.log(), tries + 1);
                    return true;
                }
                Thread.sleep(pause.get().toMillis());
            }
        }
        return false;
    }

    /** Waits until all is sent that was written, as long as {@code patience} lasts. */
    boolean drain(Duration patience) {
        try {
            cursor.writerEnded();
            thread.join(Math.max(1, patience.toMillis()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return !thread.isAlive();
    }

    boolean isOver() {
        return !thread.isAlive();
    }

    @Override
    public void close() {
        closed = true;
        thread.interrupt();
        try {
            thread.join(2000);
            cursor.close();
            place.close();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (IOException e) {
            LOG.warn("cannot close log={}", parts.log(), e);
        }
    }
}
