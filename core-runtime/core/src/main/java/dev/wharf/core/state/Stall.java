package dev.wharf.core.state;

import dev.wharf.spi.Failure;
import java.time.Instant;

/** Why a subject stands still, on which rung, and when it will be tried again. */
public record Stall(String rung, Failure failure, Instant retryAt, int tries) {}
