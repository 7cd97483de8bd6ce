package dev.wharf.runtime;

import dev.wharf.model.ContainerId;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure.Kind;
import dev.wharf.spi.kernel.Descriptors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks after the logs of running containers: begins a new part where one is full, keeps no more parts than wished, and has
 * those sent on that go elsewhere. Looks at their sizes twice a second, and less often where nobody writes, where a watch would be woken
 * by each line.
 */
final class LogKeeper implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(LogKeeper.class);
    private static final Duration BEAT = Duration.ofMillis(500);

    /** A log that stands still is looked at closely on each of so many beats: often where its end is waited for elsewhere. */
    private static final int CLOSE_LOOK = 8;

    private static final int LEISURELY_LOOK = 64;

    /** After so many beats without a line only each fourth beat asks for a log's size: most logs of a host rest most of the time. */
    private static final int RESTS = 20;

    private static final int RESTING_LOOK = 4;

    private static final Duration LAST_LINES = Duration.ofSeconds(3);

    private final Places places;
    private final Descriptors descriptors;
    private final FileWatch watch;
    private final Alive alive;
    private final Map<ContainerId, LogParts> parts = new ConcurrentHashMap<>();
    private final Map<ContainerId, LogSettings> kept = new ConcurrentHashMap<>();
    private final Map<ContainerId, Stand> stands = new ConcurrentHashMap<>();
    private final Map<ContainerId, Sending> sending = new ConcurrentHashMap<>();
    private Optional<Thread> thread = Optional.empty();
    private volatile boolean closed;

    /** Whether the monitor of a container lives and writes. */
    interface Alive {
        boolean isWriting(ContainerId container) throws IOException, DriverException;
    }

    /** How large a log was, and for how many looks it has been so. */
    private record Stand(long size, int looks) {
        boolean rests() {
            return looks >= RESTS;
        }
    }

    private record Sending(Forwarder forwarder, FileWatch.Interest interest) {
        void close() {
            interest.close();
            forwarder.close();
        }
    }

    LogKeeper(Places places, Descriptors descriptors, FileWatch watch, Alive alive) {
        this.places = places;
        this.descriptors = descriptors;
        this.watch = watch;
        this.alive = alive;
    }

    /** The files of a container's log, the same for everybody. */
    LogParts parts(ContainerId container) {
        return parts.computeIfAbsent(container, id -> new LogParts(places.log(id)));
    }

    /** Makes sure that a log can be sent where it is to go, before its container is made. */
    void check(LogSettings settings) throws DriverException {
        if (settings.isForwarded()) {
            try (LogTarget target = LogTarget.of(descriptors, settings)) {
                target.check();
            } catch (IOException e) {
                throw DriverException.failure(
                        Kind.FAILED,
                        "failed to create task for container: failed to initialize logging driver: " + e.getMessage(),
                        e);
            }
        }
    }

    /** Looks after the log of a container from now on, as it was said when it was made. Repeating it changes nothing. */
    synchronized void keep(ContainerId container) throws IOException {
        Optional<LogSettings> settings = LogSettings.read(places.keep(container));
        if (closed || settings.isEmpty() || kept.putIfAbsent(container, settings.get()) != null) {
            return;
        }
        if (thread.isEmpty()) {
            Thread beating = new Thread(this::beat, "wharf-logs");
            beating.setDaemon(true);
            beating.start();
            thread = Optional.of(beating);
        }
        if (settings.get().isForwarded()) {
            try {
                send(container, settings.get());
            } catch (DriverException e) {
                LOG.error(
                        "cannot send a log on container={} reason={}",
                        container,
                        e.failure().message());
            }
        }
    }

    private void send(ContainerId container, LogSettings settings) throws IOException, DriverException {
        Sending before = sending.remove(container);
        if (before != null) {
            before.close();
        }
        Forwarder forwarder = new Forwarder(parts(container), LogTarget.of(descriptors, settings), true);
        FileWatch.Interest interest = watch.on(places.keep(container), forwarder.cursor()::changed);
        sending.put(container, new Sending(forwarder, interest));
    }

    private void beat() {
        for (int beats = 0; !closed; beats++) {
            try {
                Thread.sleep(BEAT.toMillis());
            } catch (InterruptedException e) {
                return;
            }
            boolean closely = beats % CLOSE_LOOK == 0;
            boolean all = beats % LEISURELY_LOOK == 0;
            boolean resting = beats % RESTING_LOOK == 0;
            kept.keySet().forEach(container -> {
                Stand stand = stands.get(container);
                if (resting || stand == null || !stand.rests()) {
                    glance(container, all || closely && sending.containsKey(container));
                }
            });
        }
    }

    /** A log that did not grow since is looked at more closely only now and then. */
    private void glance(ContainerId container, boolean closely) {
        long size;
        try {
            size = Files.size(places.log(container));
        } catch (IOException e) {
            size = -1;
        }
        Stand before = stands.get(container);
        Stand now = before != null && before.size() == size && size >= 0
                ? new Stand(size, before.looks() + 1)
                : new Stand(size, 0);
        stands.put(container, now);
        if (closely || now.looks() == 0) {
            look(container);
        }
    }

    /** Begins a new part and lets go of old ones, where that is due; also right before a log is read. */
    void look(ContainerId container) {
        LogSettings settings = kept.get(container);
        if (settings == null) {
            return;
        }
        try {
            boolean writing = alive.isWriting(container);
            synchronized (parts(container)) {
                if (isForgotten(container, settings)) {
                    return;
                }
                turn(container, settings, writing);
            }
            Sending sent = sending.get(container);
            if (writing && sent != null && sent.forwarder().isOver()) {
                // The container was started again before its last lines were sent.
                send(container, settings);
            }
            if (!writing) {
                if (sent != null) {
                    sent.forwarder().cursor().writerEnded();
                }
                if (sent == null || sent.forwarder().isOver()) {
                    kept.remove(container);
                    stands.remove(container);
                    Optional.ofNullable(sending.remove(container)).ifPresent(Sending::close);
                }
            }
        } catch (IOException | DriverException | RuntimeException e) {
            // What is forgotten is being removed, and its files go while they are looked at.
            if (!isForgotten(container, settings)) {
                LOG.warn("cannot look after the log of a container container={} reason={}", container, e.toString());
            }
        }
    }

    private boolean isForgotten(ContainerId container, LogSettings settings) {
        return kept.get(container) != settings;
    }

    private void turn(ContainerId container, LogSettings settings, boolean writing) throws IOException {
        LogParts files = parts(container);
        Path log = files.log();
        boolean there = Files.exists(log);
        if (there && settings.partBytes() > 0 && Files.size(log) > settings.partBytes()) {
            files.turn();
            there = false;
        }
        if (!there && writing) {
            // Also where an agent died right after the turn: the monitor writes into the full part still.
            Monitors.reopenLog(places.bundle(container));
            awaitFile(log);
            there = Files.exists(log);
        }
        if (!there && !writing && !files.full().isEmpty()) {
            Files.createFile(log);
            there = true;
        }
        if (there && settings.partBytes() > 0) {
            files.trim(settings.fullBytes(), settings.pack());
        }
    }

    private static void awaitFile(Path file) throws IOException {
        for (int i = 0; i < 50 && !Files.exists(file); i++) {
            try {
                Thread.sleep(2);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new java.io.InterruptedIOException("interrupted while a log was begun anew");
            }
        }
    }

    /** Sends the last lines, and forgets a container that is about to be removed: afterwards no file of its log is made. */
    void forget(ContainerId container) {
        synchronized (parts(container)) {
            kept.remove(container);
        }
        stands.remove(container);
        Sending sent = sending.remove(container);
        if (sent != null) {
            sent.forwarder().drain(LAST_LINES);
            sent.close();
        }
        parts.remove(container);
    }

    @Override
    public void close() {
        Optional<Thread> beating;
        synchronized (this) {
            closed = true;
            beating = thread;
        }
        beating.ifPresent(Thread::interrupt);
        sending.values().forEach(Sending::close);
        sending.clear();
        kept.clear();
    }
}
