package dev.wharf.core.loop;

import dev.wharf.model.SubjectId;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** Posts an alarm for a subject at a time. A new time for a subject replaces its old one. */
interface Timers extends AutoCloseable {
    void set(SubjectId subject, Instant at);

    @Override
    void close();

    /** Alarms by the real clock, from one thread. */
    static Timers real(InstantSource clock, Consumer<Letter> post) {
        return new Timers() {
            private final ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor(body -> {
                Thread t = new Thread(body, "wharf-timers");
                t.setDaemon(true);
                return t;
            });
            private static final Duration FAR = Duration.ofDays(365);
            private final Map<SubjectId, Alarm> set = new ConcurrentHashMap<>();

            record Alarm(Instant at, ScheduledFuture<?> future) {}

            @Override
            public void set(SubjectId subject, Instant at) {
                set.compute(subject, (s, old) -> {
                    if (old != null && !old.future().isDone()) {
                        if (old.at().equals(at)) {
                            return old;
                        }
                        old.future().cancel(false);
                    }
                    Duration wait = Duration.between(clock.instant(), at);
                    // A deadline that never comes must not overflow the clock, nor come.
                    boolean near = wait.compareTo(FAR) < 0;
                    long millis = near ? Math.max(wait.toMillis() + 1, 1) : FAR.toMillis();
                    Instant reached = near ? at : Instant.MIN;
                    return new Alarm(
                            at,
                            thread.schedule(
                                    () -> {
                                        set.remove(subject);
                                        post.accept(new Letter.Alarm(subject, reached));
                                    },
                                    millis,
                                    TimeUnit.MILLISECONDS));
                });
            }

            @Override
            public void close() {
                thread.shutdownNow();
            }
        };
    }
}
