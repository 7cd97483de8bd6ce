package dev.wharf.core.agent;

import dev.wharf.core.journal.EventJournal.Actor;
import dev.wharf.core.state.Job;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The jobs that keep a host tidy: when they run by themselves, how they went, and having one run now. */
public interface Jobs {
    /** Every job there is, in the order of their names. */
    List<Standing> all();

    /**
     * Has a job run now, beside its schedule, and answers with the name of the run at once.
     *
     * @param options settings of the job for this run alone, by their names without the job's; {@code dry-run} for all
     * @throws RefusedException where there is no such job or setting, or while it runs already
     */
    String run(String job, Map<String, String> options, Actor by) throws RefusedException;

    /** What a run came to or has come to so far; the last few of each job are remembered, for as long as the agent runs. */
    Optional<Report> report(String run);

    /**
     * How a job stands.
     *
     * @param what what it does, in words
     * @param schedule its cron expression, empty where it runs only when somebody asks
     * @param trouble what is wrong with its settings, which therefore were not taken; or empty
     * @param next when it runs next by itself
     */
    record Standing(String name, String what, String schedule, String trouble, Optional<Instant> next) {}

    /**
     * A run.
     *
     * @param progress what it is doing, while it is under way
     * @param run how it ended, once it has
     * @param lines what it removed, would remove or found amiss, and why
     */
    record Report(String job, String id, boolean dryRun, String progress, Optional<Job.Run> run, List<Line> lines) {
        public Report {
            lines = List.copyOf(lines);
        }
    }

    /** One thing that a run was about. */
    record Line(String kind, String id, String name, long sizeBytes, String reason) {}
}
