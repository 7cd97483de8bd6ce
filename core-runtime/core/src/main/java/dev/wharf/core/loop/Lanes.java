package dev.wharf.core.loop;

import dev.wharf.core.agent.Tracing;
import dev.wharf.core.event.Event;
import dev.wharf.core.journal.EventJournal.Cause;
import dev.wharf.core.plan.Drivers;
import dev.wharf.core.plan.Step;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * Runs steps, many side by side. Which steps may overlap is the sequencer's to know; how many at most is ours. A step that
 * does not get a lane is simply proposed again when another one comes back, or its wish judged anew.
 */
final class Lanes {
    private static final Logger log = LoggerFactory.getLogger(Lanes.class);

    /** How many steps that only ask may wait for answers at once. */
    private static final int QUESTIONS = 256;

    private final Executor threads;
    private final Executor patient;
    private final Drivers drivers;
    private final int limit;
    private final AtomicInteger taken = new AtomicInteger();
    private final AtomicInteger asking = new AtomicInteger();
    /** How to give a step up, by the thread that runs it. */
    private final Map<Thread, Consumer<Failure>> running = new ConcurrentHashMap<>();

    private volatile Tracing tracing = Tracing.OFF;
    private volatile boolean closing;

    /** @param patient runs steps that only ask, of which most of the time is waiting */
    Lanes(Executor threads, Executor patient, Drivers drivers, int limit) {
        this.threads = threads;
        this.patient = patient;
        this.drivers = drivers;
        this.limit = limit;
    }

    /** Threads for {@code limit} lanes, which go when they have had nothing to do for a while. */
    static ExecutorService threads(int limit) {
        AtomicInteger number = new AtomicInteger();
        // A lane is given back a moment before its thread is, so there may be a few more threads than lanes.
        return new ThreadPoolExecutor(0, limit * 2, 30, TimeUnit.SECONDS, new SynchronousQueue<>(), body -> {
            Thread thread = new Thread(body, "wharf-lane-" + number.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        });
    }

    /** Threads for steps that wait. */
    static ExecutorService patientThreads() {
        AtomicInteger number = new AtomicInteger();
        return new ThreadPoolExecutor(0, QUESTIONS * 2, 5, TimeUnit.SECONDS, new SynchronousQueue<>(), body -> {
            Thread thread = new Thread(body, "wharf-asking-" + number.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        });
    }

    /**
     * From now on nobody is told of a question that was cut short, nor of a step that did not work: that the agent stopped is
     * no reason to give anything up, and the next one looks at what is there and tries again.
     */
    void closing() {
        closing = true;
    }

    void trace(Tracing by) {
        tracing = by;
    }

    /** Begins the step unless every lane is taken; the outcome is told from the lane. */
    boolean begin(Step step, Cause cause, Consumer<Letter.Outcome> tell) {
        if (closing) {
            // The next start proposes it again; the threads take nothing any more.
            return false;
        }
        AtomicInteger places = step.asks() ? asking : taken;
        if (places.incrementAndGet() > (step.asks() ? QUESTIONS : limit)) {
            places.decrementAndGet();
            return false;
        }
        (step.asks() ? patient : threads).execute(() -> {
            AtomicBoolean told = new AtomicBoolean();
            Consumer<Letter.Outcome> end = outcome -> {
                if (told.compareAndSet(false, true)) {
                    places.decrementAndGet();
                    if (!(closing && (step.asks() || outcome.failed()))) {
                        tell.accept(outcome);
                    }
                }
            };
            Thread thread = Thread.currentThread();
            running.put(
                    thread, failure -> end.accept(new Letter.Outcome(step, step.failed(failure, drivers.now()), true)));
            Letter.Outcome outcome = run(step, cause);
            running.remove(thread);
            end.accept(outcome);
        });
        return true;
    }

    /** Gives up the step that a thread runs, which hangs in a driver and will not come back; another thread takes its place. */
    void abandon(Thread thread, Failure failure) {
        Consumer<Failure> step = running.remove(thread);
        if (step != null) {
            for (Executor pool : List.of(threads, patient)) {
                if (pool instanceof ThreadPoolExecutor many) {
                    many.setMaximumPoolSize(many.getMaximumPoolSize() + 1);
                }
            }
            step.accept(failure);
        }
    }

    boolean hasRoom() {
        return taken.get() < limit;
    }

    int limit() {
        return limit;
    }

    int taken() {
        return taken.get();
    }

    private Letter.Outcome run(Step step, Cause cause) {
        try (Tracing.Work span = tracing.step(step.getClass().getSimpleName(), step.subject(), cause)) {
            Letter.Outcome outcome = run(step);
            if (outcome.failed()) {
                span.failed(outcome.event().trouble().map(Failure::message).orElse("it did not work"));
            }
            return outcome;
        }
    }

    private Letter.Outcome run(Step step) {
        long began = System.nanoTime();
        try {
            Event event = step.run(drivers);
            if (log.isDebugEnabled()) {
                log.debug(
                        "step done step={} subject={} micros={}",
                        step.getClass().getSimpleName(),
                        step.subject().text(),
                        TimeUnit.NANOSECONDS.toMicros(System.nanoTime() - began));
            }
            return new Letter.Outcome(step, event, false);
        } catch (DriverException e) {
            log.debug("step failed", e);
            log.atLevel(step.asks() ? Level.DEBUG : Level.INFO)
                    .log(
                            "step failed step={} subject={} kind={} reason={}",
                            step.getClass().getSimpleName(),
                            step.subject().text(),
                            e.failure().kind(),
                            e.failure().message());
            return new Letter.Outcome(step, step.failed(e.failure(), drivers.now()), true);
        } catch (Exception | Error e) {
            if (e instanceof VirtualMachineError && !(e instanceof StackOverflowError)) {
                // The JVM itself is at its end.
                throw e;
            }
            // A bug in a driver must not take the house down; the subject stalls or fails and says so.
            log.error(
                    "step broke step={} subject={}",
                    step.getClass().getSimpleName(),
                    step.subject().text(),
                    e);
            Failure failure = new Failure(
                    Failure.Kind.FAILED, "internal error in " + step.getClass().getSimpleName() + ": " + e);
            return new Letter.Outcome(step, step.failed(failure, drivers.now()), true);
        }
    }

    /** Waits for the steps under way, at most {@code patience}. */
    static boolean drain(ExecutorService threads, Duration patience) {
        threads.shutdown();
        try {
            return threads.awaitTermination(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
