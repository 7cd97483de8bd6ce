package dev.wharf.model;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * How to ask a container whether it is well (Docker Engine API, {@code HealthConfig}). Zero durations and retries mean
 * the default.
 *
 * @param test empty to inherit, {@code ["NONE"]}, {@code ["CMD", ...]} or {@code ["CMD-SHELL", line]}
 */
public record Healthcheck(
        List<String> test,
        Duration interval,
        Duration timeout,
        Duration startPeriod,
        Duration startInterval,
        int retries) {
    /** Says nothing at all. */
    public static final Healthcheck SILENT =
            new Healthcheck(List.of(), Duration.ZERO, Duration.ZERO, Duration.ZERO, Duration.ZERO, 0);

    private static final Set<String> ASKING = Set.of("CMD", "CMD-SHELL");
    private static final Duration DEFAULT_TIME = Duration.ofSeconds(30);
    private static final Duration DEFAULT_START_INTERVAL = Duration.ofSeconds(5);
    private static final int DEFAULT_RETRIES = 3;

    public Healthcheck {
        test = Checks.copy(test);
    }

    /** This check, where it says nothing as {@code other} has it; one that is switched off stays so. */
    public Healthcheck over(Healthcheck other) {
        return new Healthcheck(
                test.isEmpty() ? other.test : test,
                interval.isZero() ? other.interval : interval,
                timeout.isZero() ? other.timeout : timeout,
                startPeriod.isZero() ? other.startPeriod : startPeriod,
                startInterval.isZero() ? other.startInterval : startInterval,
                retries == 0 ? other.retries : retries);
    }

    /** Whether there is anything to ask; {@code NONE} switches off what an image says, as do words that nobody knows. */
    public boolean isAsked() {
        return !test.isEmpty() && ASKING.contains(test.get(0));
    }

    /** The words to run inside; {@code shell} runs a line, {@code /bin/sh -c} where it is empty. */
    public List<String> command(List<String> shell) {
        List<String> words = test.subList(Math.min(1, test.size()), test.size());
        if (!isAsked() || !test.get(0).equals("CMD-SHELL")) {
            return words;
        }
        List<String> line = new ArrayList<>(shell.isEmpty() ? List.of("/bin/sh", "-c") : shell);
        line.addAll(words);
        return List.copyOf(line);
    }

    /** How long to wait between two askings once the container is up. */
    public Duration pause() {
        return interval.isZero() ? DEFAULT_TIME : interval;
    }

    /** How long to wait between two askings while it comes up. */
    public Duration startPause() {
        return startInterval.isZero() ? DEFAULT_START_INTERVAL : startInterval;
    }

    /** How long an answer may take. */
    public Duration patience() {
        return timeout.isZero() ? DEFAULT_TIME : timeout;
    }

    /** How many failures in a row make it unhealthy. */
    public int tolerance() {
        return retries <= 0 ? DEFAULT_RETRIES : retries;
    }
}
