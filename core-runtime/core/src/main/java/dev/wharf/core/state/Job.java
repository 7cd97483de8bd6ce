package dev.wharf.core.state;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * A job of the scheduler, and how it went.
 *
 * @param runs how often it ran to an end
 * @param failures how many of these runs failed or were cut off
 * @param freedBytes what all of them gave back
 * @param begun the run that is under way
 * @param last the run that ended last
 */
public record Job(String name, int runs, int failures, long freedBytes, Optional<Begun> begun, Optional<Run> last) {
    /** A run that has not ended. */
    public record Begun(String run, Instant at, boolean dryRun) {}

    /**
     * A run that has ended.
     *
     * @param summary what it did, in words
     * @param items how many things it removed, moved aside or found amiss
     */
    public record Run(
            String run,
            Instant at,
            Duration took,
            boolean dryRun,
            Result result,
            String summary,
            int items,
            long freedBytes) {}

    /** How a run ended. */
    public enum Result {
        DONE,
        /** It did what it should, and found something that somebody should look at. */
        AMISS,
        FAILED,
        /** The agent ended before it did. */
        INTERRUPTED
    }

    public static Job named(String name) {
        return new Job(name, 0, 0, 0, Optional.empty(), Optional.empty());
    }

    public Job begun(Begun run) {
        return new Job(name, runs, failures, freedBytes, Optional.of(run), last);
    }

    public Job ended(Run run) {
        boolean failed = run.result() == Result.FAILED || run.result() == Result.INTERRUPTED;
        return new Job(
                name,
                runs + 1,
                failures + (failed ? 1 : 0),
                freedBytes + run.freedBytes(),
                begun.filter(b -> !b.run().equals(run.run())),
                Optional.of(run));
    }
}
