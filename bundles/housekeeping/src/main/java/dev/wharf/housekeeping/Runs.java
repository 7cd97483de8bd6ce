package dev.wharf.housekeeping;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.FailedException;
import dev.wharf.core.agent.Jobs.Report;
import dev.wharf.core.agent.RefusedException;
import dev.wharf.core.command.HostCommand;
import dev.wharf.core.command.Refusal;
import dev.wharf.core.event.HostEvent;
import dev.wharf.core.journal.CommandId;
import dev.wharf.core.journal.EventJournal.Actor;
import dev.wharf.core.journal.EventJournal.Cause;
import dev.wharf.core.state.Job;
import dev.wharf.spi.DriverException;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Has chores done, one run of each at a time, and writes down that they began and how they ended. */
final class Runs implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Runs.class);

    /** A long scrub must not keep the others waiting; more side by side would only fight for the disk. */
    private static final int SIDE_BY_SIDE = 2;

    private static final int REMEMBERED = 8;
    private static final long PATIENCE_SECONDS = 30;
    private static final long FAREWELL_SECONDS = 5;

    private final Agent agent;
    private final Map<String, Deque<Shift>> shifts = new HashMap<>();
    private final ThreadPoolExecutor threads;
    private volatile boolean over;

    Runs(Agent agent) {
        this.agent = agent;
        AtomicInteger number = new AtomicInteger();
        threads = new ThreadPoolExecutor(
                SIDE_BY_SIDE, SIDE_BY_SIDE, 10, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), task -> {
                    Thread thread = new Thread(task, "wharf-housekeeping-" + number.incrementAndGet());
                    thread.setDaemon(true);
                    return thread;
                });
        threads.allowCoreThreadTimeOut(true);
    }

    /** Whatever an earlier agent began did not end, for nobody but us runs jobs. */
    void closeOpenOnes() {
        for (Job job : agent.host().jobs().values()) {
            job.begun().filter(b -> report(b.run()).isEmpty()).ifPresent(b -> {
                try {
                    submit(
                            new HostCommand.EndJob(
                                    job.name(),
                                    b.run(),
                                    Job.Result.INTERRUPTED,
                                    "the agent ended before it did; what it had begun goes on",
                                    0,
                                    0),
                            new Cause(new CommandId("job-" + b.run() + "-end"), Optional.empty(), Actor.WHARF));
                } catch (RefusedException | FailedException e) {
                    log.warn("run cannot be closed job={} reason={}", job.name(), e.getMessage());
                }
            });
        }
    }

    /** Begins a run and answers with its name. */
    String begin(Chore chore, Options options, boolean dryRun, Actor by) throws RefusedException {
        if (dryRun && !chore.hasDryRun()) {
            throw new RefusedException(
                    new Refusal(Refusal.Kind.INVALID, "job " + chore.name() + " has no dry run: it removes nothing"));
        }
        String id = UUID.randomUUID().toString().substring(0, 8);
        Shift shift = new Shift(agent, chore.name(), id, dryRun, options, () -> over);
        // First, so that nobody takes what is written down next for a run of an earlier agent.
        remember(chore, shift);
        try {
            submit(
                    new HostCommand.StartJob(chore.name(), id, dryRun),
                    new Cause(new CommandId("job-" + id), Optional.empty(), by));
        } catch (FailedException e) {
            forget(chore, shift);
            throw new IllegalStateException(e);
        } catch (RefusedException e) {
            forget(chore, shift);
            throw e;
        }
        threads.execute(() -> work(chore, shift));
        return id;
    }

    private void remember(Chore chore, Shift shift) {
        synchronized (shifts) {
            Deque<Shift> own = shifts.computeIfAbsent(chore.name(), n -> new ArrayDeque<>());
            own.addFirst(shift);
            if (own.size() > REMEMBERED) {
                own.removeLast();
            }
        }
    }

    private void forget(Chore chore, Shift shift) {
        synchronized (shifts) {
            shifts.getOrDefault(chore.name(), new ArrayDeque<>()).remove(shift);
        }
    }

    private void work(Chore chore, Shift shift) {
        Job.Result result = Job.Result.FAILED;
        try {
            chore.work(shift);
            result = shift.result();
        } catch (Shift.Over e) {
            // The next agent says so.
            return;
        } catch (DriverException e) {
            shift.summary(e.failure().message());
        } catch (RefusedException | FailedException | IOException e) {
            shift.summary(String.valueOf(e.getMessage()));
        } catch (RuntimeException e) {
            log.error("job broke job={} run={}", chore.name(), shift.id(), e);
            shift.summary("it broke: " + e);
        }
        end(chore, shift, result);
    }

    private void end(Chore chore, Shift shift, Job.Result result) {
        try {
            HostEvent.JobEnded ended = (HostEvent.JobEnded) submit(
                    new HostCommand.EndJob(
                            chore.name(),
                            shift.id(),
                            result,
                            shift.summary(),
                            shift.items(),
                            shift.dryRun() ? 0 : shift.freedBytes()),
                    shift.cause());
            shift.ended(ended.run());
            if (result == Job.Result.DONE) {
                log.info("job done job={} run={} summary=\"{}\"", chore.name(), shift.id(), shift.summary());
            } else {
                log.warn(
                        "job needs somebody to look job={} run={} result={} summary=\"{}\"",
                        chore.name(),
                        shift.id(),
                        result,
                        shift.summary());
            }
        } catch (RefusedException | FailedException e) {
            log.warn("end of a job cannot be written down job={} reason={}", chore.name(), e.getMessage());
        }
    }

    private dev.wharf.core.event.Event submit(HostCommand command, Cause cause)
            throws RefusedException, FailedException {
        try {
            return agent.submit(command, cause).toCompletableFuture().get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RefusedException refused) {
                throw refused;
            }
            if (e.getCause() instanceof FailedException failed) {
                throw failed;
            }
            throw new IllegalStateException(e.getCause());
        } catch (TimeoutException e) {
            throw new RefusedException(new Refusal(Refusal.Kind.UNAVAILABLE, "the agent does not answer"));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new RefusedException(new Refusal(Refusal.Kind.UNAVAILABLE, "the agent ends"));
        }
    }

    Optional<Report> report(String run) {
        synchronized (shifts) {
            return shifts.values().stream()
                    .flatMap(Deque::stream)
                    .filter(s -> s.id().equals(run))
                    .map(Shift::report)
                    .findFirst();
        }
    }

    /** Nobody is interrupted, for an interrupt in the middle of reading the journal can harm who writes it. */
    @Override
    public void close() {
        over = true;
        threads.shutdown();
        try {
            if (!threads.awaitTermination(FAREWELL_SECONDS, TimeUnit.SECONDS)) {
                log.warn("a job is still at work when the agent ends; what it gave up is done by its next run");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
