package dev.wharf.jmx;

/** A job of the scheduler, as {@code dev.wharf:type=Job,name="gc"}. */
public interface JobMXBean {
    String getName();

    /** What it does, in words. */
    String getWhat();

    /** Its cron expression; empty where it runs only when somebody asks. */
    String getSchedule();

    /** What is wrong with its settings, which therefore were not taken; empty where nothing is. */
    String getTrouble();

    /** When it runs next by itself, ISO 8601; empty for never. */
    String getNextRunAt();

    /** Since when it runs, ISO 8601; empty while it does not. */
    String getRunningSince();

    /** When its last run that ended had begun, ISO 8601; empty before the first. */
    String getLastRunAt();

    long getLastMillis();

    /** {@code done}, {@code amiss}, {@code failed} or {@code interrupted}; empty before the first run. */
    String getLastResult();

    /** What the last run did, in words. */
    String getLastSummary();

    /** How often it ran to an end. */
    int getRuns();

    /** How many of these runs failed or were cut off. */
    int getFailures();

    /** What all its runs gave back. */
    long getFreedBytes();

    /** Has it run now; answers with the name of the run at once. */
    String run();

    /** Has it say what it would do; the events say what came of it. */
    String dryRun();
}
