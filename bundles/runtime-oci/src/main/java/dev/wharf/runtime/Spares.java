package dev.wharf.runtime;

import dev.wharf.model.ContainerId;
import dev.wharf.model.InitProcess;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runtimes that wait for execs which are likely to come: whoever has run two in a container within seconds will soon run a
 * third. A runtime that is ready spares it half the time. One that nobody wants for a while goes.
 */
final class Spares {
    private static final Logger LOG = LoggerFactory.getLogger(Spares.class);

    /** How soon an exec must follow another one, and how long a spare waits for the next. */
    static final Duration PATIENCE = Duration.ofSeconds(10);

    /** A spare takes up to a megabyte of memory. */
    private static final int MOST = 8;

    private final Foreground foreground;
    private final Executor later;
    private final Map<ContainerId, Spare> spares = new ConcurrentHashMap<>();
    private final Map<ContainerId, Long> lately = new ConcurrentHashMap<>();
    private volatile boolean closed;

    /**
     * What a spare is good for: the runtime has looked by then at the container as it runs.
     *
     * @param init the first process of the container
     */
    record Use(InitProcess init, RuntimeBinary runtime, boolean stdin) {}

    private record Spare(Use use, Foreground.Ready ready) {}

    /** @param later does what takes a moment, and throws where nothing is done any more */
    Spares(Foreground foreground, Executor later) {
        this.foreground = foreground;
        this.later = later;
    }

    /** A runtime for an exec: the spare where there is one, a new one otherwise. */
    Foreground.Ready take(ContainerId container, Use use) throws IOException {
        Spare spare = spares.remove(container);
        if (spare != null) {
            if (spare.use().equals(use) && spare.ready().isWaiting()) {
                return spare.ready();
            }
            spare.ready().close();
        }
        return foreground.prepare(container, use.runtime(), use.stdin());
    }

    /** Says that an exec has ended, while its container runs on. */
    void ended(ContainerId container, Use use) {
        long now = System.nanoTime();
        Long before = lately.put(container, now);
        if (closed || before == null || now - before > PATIENCE.toNanos() || spares.size() >= MOST) {
            return;
        }
        try {
            Spare spare = new Spare(use, foreground.prepare(container, use.runtime(), use.stdin()));
            close(spares.put(container, spare));
            if (closed) {
                forget(container);
            }
            CompletableFuture.delayedExecutor(PATIENCE.toNanos(), TimeUnit.NANOSECONDS, later)
                    .execute(() -> {
                        if (spares.remove(container, spare)) {
                            close(spare);
                        }
                    });
        } catch (IOException e) {
            LOG.debug("the next exec finds no runtime that waits container={}", container, e);
        }
    }

    /** Nothing is run in this container any more. */
    void forget(ContainerId container) {
        lately.remove(container);
        close(spares.remove(container));
    }

    void close() {
        closed = true;
        spares.keySet().forEach(this::forget);
    }

    private static void close(@Nullable Spare spare) {
        if (spare != null) {
            spare.ready().close();
        }
    }
}
