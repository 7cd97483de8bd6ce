package dev.wharf.engine.containers;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.state.Container;
import dev.wharf.engine.http.Answer;
import dev.wharf.engine.http.Outlet;
import dev.wharf.engine.http.Problem;
import dev.wharf.engine.http.Request;
import dev.wharf.engine.json.Times;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.runtime.LogCursor;
import dev.wharf.spi.runtime.LogCursor.LogLine;
import dev.wharf.spi.runtime.LogQuery;
import dev.wharf.spi.runtime.StreamSink.StandardStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;

/** {@code /containers/{id}/logs}. Lines are read on a worker when there are any and the client has room for them. */
final class Logs {
    private static final DateTimeFormatter STAMP =
            DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSSSSSSSS'Z'").withZone(ZoneOffset.UTC);

    private static final int STAMP_LENGTH = "2026-01-31T23:59:59.123456789Z ".length();

    private final LogCursor cursor;
    private final Outlet outlet;
    private final Executor workers;
    private final boolean follow;
    private final boolean tty;
    private final boolean stamps;
    private final byte[] details;
    private final AtomicBoolean over = new AtomicBoolean();

    // One reading at a time, each on some worker.
    private long stampedSecond = Long.MIN_VALUE;
    private int stampedNanos;
    private byte[] stamp = new byte[0];

    private Logs(
            LogCursor cursor,
            Outlet outlet,
            Executor workers,
            boolean follow,
            boolean tty,
            boolean stamps,
            byte[] details) {
        this.cursor = cursor;
        this.outlet = outlet;
        this.workers = workers;
        this.follow = follow;
        this.tty = tty;
        this.stamps = stamps;
        this.details = details;
    }

    static Answer handle(Agent agent, Request request) {
        boolean out = request.query().flag("stdout", false);
        boolean err = request.query().flag("stderr", false);
        if (!out && !err) {
            throw Problem.invalid("Bad parameters: you must choose at least one stream");
        }
        Container c = ContainerRoutes.found(agent, request);
        if (c.spec().logging().driver().equals("none")) {
            throw Problem.unsupported("configured logging driver does not support reading");
        }
        LogQuery query = new LogQuery(
                out,
                err,
                time(request, "since"),
                time(request, "until"),
                tail(request.query().text("tail")),
                request.query().flag("follow", false));
        boolean tty = c.spec().stdio().tty();
        boolean stamps = request.query().flag("timestamps", false);
        byte[] details = request.query().flag("details", false) ? LogDetails.of(c) : new byte[0];
        return Answer.later(request.work(() -> agent.streams().logs(c.id(), query))
                .thenApply(cursor -> Answer.flow(StreamRoutes.contentType(tty, request), outlet -> {
                    Logs logs = new Logs(cursor, outlet, request.workers(), query.follow(), tty, stamps, details);
                    outlet.onGone(logs::end);
                    logs.go();
                })));
    }

    private static Optional<Instant> time(Request request, String key) {
        return request.query().value(key).filter(t -> !t.equals("0")).map(Times::parse);
    }

    /** Anything that is not a number means all. */
    private static long tail(String text) {
        try {
            return text.isEmpty() ? -1 : Long.parseLong(text);
        } catch (NumberFormatException e) {
            return -1;
        }
    }

    private void go() {
        if (!over.get()) {
            workers.execute(this::read);
        }
    }

    private void read() {
        try {
            while (!over.get()) {
                List<LogLine> lines = cursor.poll();
                if (lines.isEmpty()) {
                    if (cursor.isAtEnd()) {
                        outlet.end();
                        end();
                    } else {
                        cursor.onMore(this::go);
                    }
                    return;
                }
                if (!outlet.send(chunks(lines))) {
                    outlet.onWritable(this::go);
                    return;
                }
            }
        } catch (DriverException | RuntimeException e) {
            outlet.abort();
            end();
        }
    }

    /**
     * Whoever follows gets a chunk for each line, for some clients, such as rsyslog's, look for one line only in what comes at
     * once. Whoever reads what there is gets the lines of one reading in one: a chunk for each would cost half the speed.
     */
    private List<byte[]> chunks(List<LogLine> lines) {
        return follow ? lines.stream().map(line -> written(List.of(line))).toList() : List.of(written(lines));
    }

    private byte[] written(List<LogLine> lines) {
        int before = (stamps ? STAMP_LENGTH : 0) + details.length;
        int size = 0;
        for (LogLine line : lines) {
            size += (tty ? 0 : Long.BYTES) + before + line.bytes().remaining();
        }
        ByteBuffer out = ByteBuffer.allocate(size);
        for (LogLine line : lines) {
            if (!tty) {
                // The stream's number, three zeros and the length of what follows.
                long stream = line.stream() == StandardStream.OUT ? 1 : 2;
                out.putLong(stream << 56 | before + line.bytes().remaining());
            }
            if (stamps) {
                out.put(stamp(line));
            }
            out.put(details).put(line.bytes());
        }
        return out.array();
    }

    /** Lines that were written together have the same time, so the last stamp often serves again. */
    private byte[] stamp(LogLine line) {
        if (line.epochSecond() != stampedSecond || line.nanos() != stampedNanos) {
            stampedSecond = line.epochSecond();
            stampedNanos = line.nanos();
            String text = STAMP.format(Instant.ofEpochSecond(stampedSecond, stampedNanos)) + " ";
            stamp = text.getBytes(StandardCharsets.US_ASCII);
        }
        return stamp;
    }

    private void end() {
        if (over.compareAndSet(false, true)) {
            cursor.close();
        }
    }
}
