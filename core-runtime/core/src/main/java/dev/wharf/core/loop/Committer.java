package dev.wharf.core.loop;

import dev.wharf.core.journal.EventJournal;
import dev.wharf.core.journal.Position;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes appended batches durable and only then lets the world know of them: answers go out and followers see them after the
 * force that covers them. One force covers everything appended before it, so many callers share it, and batches that nobody
 * waits for ride along with the next one that somebody does.
 */
final class Committer implements Durability, AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Committer.class);

    /** How long a batch that nobody waits for may stay unforced: long enough to share, short enough for watchers. */
    private static final Duration PATIENCE = Duration.ofMillis(20);

    /** The same for one that would hardly be missed: at most one force a second for all of them. */
    private static final Duration LONG_PATIENCE = Duration.ofSeconds(1);

    private final EventJournal journal;
    private final boolean always;
    private final Consumer<IOException> broken;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition work = lock.newCondition();
    private final Thread thread = new Thread(this::run, "wharf-committer");

    private Position appended;
    private Position pressing = Position.START;
    private volatile Position durable;
    private List<Answer> answers = new ArrayList<>();
    private List<Runnable> wakes = new ArrayList<>();
    private List<Answer> afters = new ArrayList<>();
    private Position told;
    private final Stopwatch syncs = new Stopwatch();
    private boolean urgent;
    private boolean closed;

    private record Answer(Position position, Runnable tell) {}

    /**
     * @param always whether every answer waits for a force; otherwise an append counts as durable
     * @param broken hears once that a force failed, after which nothing is durable any more
     */
    Committer(EventJournal journal, boolean always, Consumer<IOException> broken) {
        this.journal = journal;
        this.always = always;
        this.broken = broken;
        appended = journal.end();
        durable = appended;
        told = appended;
        thread.setDaemon(true);
    }

    void start() {
        thread.start();
    }

    @Override
    public void appended(Position position, Haste haste) {
        lock.lock();
        try {
            appended = position;
            urgent |= haste == Haste.NOW || !answers.isEmpty();
            if (haste != Haste.WHENEVER) {
                pressing = position;
            }
            work.signal();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void whenDurable(Position position, Runnable tell) {
        lock.lock();
        try {
            answers.add(new Answer(position, tell));
            // Of a batch that is being appended it is said in a moment how soon it is wanted.
            if (!position.isAfter(appended)) {
                urgent = true;
                work.signal();
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public boolean afterTold(Position position, Runnable then) {
        lock.lock();
        try {
            if (position.isAfter(told)) {
                afters.add(new Answer(position, then));
                return true;
            }
            return false;
        } finally {
            lock.unlock();
        }
    }

    Stopwatch syncs() {
        return syncs;
    }

    Position durable() {
        return durable;
    }

    /** Calls {@code wake} once when something after {@code position} is durable; at once when it is already. */
    void onDurable(Position position, Runnable wake) {
        lock.lock();
        try {
            if (!durable.isAfter(position) && !closed) {
                wakes.add(wake);
                return;
            }
        } finally {
            lock.unlock();
        }
        wake.run();
    }

    private void run() {
        while (true) {
            Position upTo;
            lock.lock();
            try {
                long began = System.nanoTime();
                while (!urgent && !closed) {
                    if (!appended.isAfter(durable)) {
                        work.await();
                        began = System.nanoTime();
                        continue;
                    }
                    Duration patience = pressing.isAfter(durable) ? PATIENCE : LONG_PATIENCE;
                    long left = patience.toNanos() - (System.nanoTime() - began);
                    if (left <= 0) {
                        break;
                    }
                    work.awaitNanos(left);
                }
                if (closed && !appended.isAfter(durable) && answers.isEmpty()) {
                    return;
                }
                urgent = false;
                upTo = appended;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            } finally {
                lock.unlock();
            }
            if (!force(upTo)) {
                return;
            }
            publish(upTo);
        }
    }

    private boolean force(Position upTo) {
        if (!always || !upTo.isAfter(durable)) {
            return true;
        }
        long began = System.nanoTime();
        try {
            journal.sync();
            syncs.ended(began);
            return true;
        } catch (IOException e) {
            log.error("journal cannot be made durable; refusing every change until the agent is started again", e);
            broken.accept(e);
            return false;
        }
    }

    private void publish(Position upTo) {
        List<Answer> ready = new ArrayList<>();
        List<Runnable> awake;
        lock.lock();
        try {
            List<Answer> later = new ArrayList<>();
            for (Answer answer : answers) {
                (answer.position().isAfter(upTo) ? later : ready).add(answer);
            }
            answers = later;
            urgent |= later.stream().anyMatch(answer -> !answer.position().isAfter(appended));
            boolean news = upTo.isAfter(durable);
            durable = upTo;
            awake = news ? wakes : List.of();
            if (news) {
                wakes = new ArrayList<>();
            }
        } finally {
            lock.unlock();
        }
        for (Answer answer : ready) {
            quietly(answer.tell());
        }
        awake.forEach(Committer::quietly);
        List<Answer> after;
        lock.lock();
        try {
            told = upTo;

            after = afters;
            afters = new ArrayList<>();
        } finally {
            lock.unlock();
        }
        for (Answer each : after) {
            if (each.position().isAfter(upTo)) {
                afterTold(each.position(), each.tell());
            } else {
                quietly(each.tell());
            }
        }
    }

    private static void quietly(Runnable told) {
        try {
            told.run();
        } catch (RuntimeException e) {
            log.error("a listener broke", e);
        }
    }

    /** Makes everything durable and stops; followers are woken a last time. */
    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            work.signal();
        } finally {
            lock.unlock();
        }
        try {
            thread.join(TimeUnit.SECONDS.toMillis(10));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        List<Runnable> last;
        lock.lock();
        try {
            last = wakes;
            wakes = new ArrayList<>();
        } finally {
            lock.unlock();
        }
        last.forEach(Committer::quietly);
    }
}
