package dev.wharf.model;

import java.time.Duration;
import java.util.List;

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
    public Healthcheck {
        test = Checks.copy(test);
    }
}
