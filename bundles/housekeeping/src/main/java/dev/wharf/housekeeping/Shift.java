package dev.wharf.housekeeping;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.FailedException;
import dev.wharf.core.agent.Jobs.Line;
import dev.wharf.core.agent.Jobs.Report;
import dev.wharf.core.agent.RefusedException;
import dev.wharf.core.command.Command;
import dev.wharf.core.command.Refusal;
import dev.wharf.core.event.Event;
import dev.wharf.core.journal.CommandId;
import dev.wharf.core.journal.EventJournal.Actor;
import dev.wharf.core.journal.EventJournal.Cause;
import dev.wharf.core.state.Job;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;

/** One run of a job: what it may use, and what it tells. Worked by one thread, looked at by many. */
final class Shift {
    /** More lines than this help nobody; how many there were is told all the same. */
    private static final int MOST_LINES = 10_000;

    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final long BEAT_MILLIS = 20;

    private final Agent agent;
    private final String job;
    private final String id;
    private final boolean dryRun;
    private final Options options;
    private final BooleanSupplier over;
    private final List<Line> lines = new ArrayList<>();
    private String progress = "begins";
    private String summary = "";
    private boolean amiss;
    private int items;
    private long freedBytes;
    private int commands;
    private Optional<Job.Run> ended = Optional.empty();

    /** @param over whether the agent ends, so that what takes long should */
    Shift(Agent agent, String job, String id, boolean dryRun, Options options, BooleanSupplier over) {
        this.agent = agent;
        this.job = job;
        this.id = id;
        this.dryRun = dryRun;
        this.options = options;
        this.over = over;
    }

    /** The agent ends before the run does. */
    static final class Over extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Over() {
            super("the agent ends", null, false, false);
        }
    }

    Agent agent() {
        return agent;
    }

    String id() {
        return id;
    }

    boolean dryRun() {
        return dryRun;
    }

    Options options() {
        return options;
    }

    /** Who does what a job does. */
    private Actor actor() {
        return new Actor(Actor.Kind.WHARF, "job " + job, Map.of("run", id));
    }

    synchronized Cause cause() {
        return new Cause(new CommandId("job-" + id + "-" + commands++), Optional.empty(), actor());
    }

    /** Gives a command and waits for its answer. */
    Event give(Command command) throws RefusedException, FailedException {
        return await(agent.submit(command, cause()));
    }

    /** The same; empty where it is so already, or what it speaks of is gone. */
    Optional<Event> giveIfStillSo(Command command) throws RefusedException, FailedException {
        try {
            return Optional.of(give(command));
        } catch (RefusedException e) {
            if (e.refusal().kind() == Refusal.Kind.UNCHANGED || e.refusal().kind() == Refusal.Kind.MISSING) {
                return Optional.empty();
            }
            throw e;
        }
    }

    <T> T await(CompletionStage<T> stage) throws RefusedException, FailedException {
        try {
            return stage.toCompletableFuture().get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RefusedException refused) {
                throw refused;
            }
            if (e.getCause() instanceof FailedException failed) {
                throw failed;
            }
            throw new IllegalStateException(e.getCause());
        } catch (TimeoutException e) {
            throw new IllegalStateException("no answer within " + PATIENCE.toSeconds() + " s");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Over();
        }
    }

    /** Waits until it is so, and answers whether it came to be in time. */
    boolean awaitSo(Duration patience, BooleanSupplier so) {
        long end = System.nanoTime() + patience.toNanos();
        while (!so.getAsBoolean()) {
            if (System.nanoTime() > end) {
                return false;
            }
            rest(BEAT_MILLIS);
        }
        return true;
    }

    void rest(long millis) {
        goOn();
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Over();
        }
    }

    /** Breaks off where the agent ends. */
    void goOn() {
        if (over.getAsBoolean()) {
            throw new Over();
        }
    }

    // ---- what is told

    synchronized void progress(String now) {
        progress = now;
    }

    synchronized void line(Line line) {
        if (lines.size() < MOST_LINES) {
            lines.add(line);
        }
        items++;
    }

    synchronized void freed(long bytes) {
        freedBytes += bytes;
    }

    synchronized void amiss() {
        amiss = true;
    }

    synchronized void summary(String text) {
        summary = summary.isEmpty() ? text : summary + "; " + text;
    }

    // ---- its end

    synchronized Job.Result result() {
        return amiss ? Job.Result.AMISS : Job.Result.DONE;
    }

    synchronized String summary() {
        return summary;
    }

    synchronized int items() {
        return items;
    }

    synchronized long freedBytes() {
        return freedBytes;
    }

    synchronized void ended(Job.Run run) {
        ended = Optional.of(run);
        progress = "";
    }

    synchronized Report report() {
        return new Report(job, id, dryRun, progress, ended, lines);
    }
}
