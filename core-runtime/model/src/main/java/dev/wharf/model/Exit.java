package dev.wharf.model;

import java.time.Instant;

/**
 * How a container's first process ended.
 *
 * @param code the exit status, or 128 plus the signal that ended it
 * @param inferred true where no monitor told the status and it had to be concluded, in which case code is 255
 */
public record Exit(int code, Instant at, boolean outOfMemory, boolean inferred) {
    public Exit(int code, Instant at) {
        this(code, at, false, false);
    }
}
