package dev.wharf.spi.runtime;

import java.time.Instant;
import java.util.Optional;

/**
 * Which part of a log is wanted.
 *
 * @param tail how many last lines, negative for all
 */
public record LogQuery(
        boolean stdout, boolean stderr, Optional<Instant> since, Optional<Instant> until, long tail, boolean follow) {}
