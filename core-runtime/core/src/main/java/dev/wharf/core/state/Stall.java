package dev.wharf.core.state;

import dev.wharf.spi.Failure;
import java.time.Instant;
import java.util.Optional;

/** Why a subject stands still, on which rung, and when it will be tried again. */
public record Stall(String rung, Failure failure, Instant retryAt, int tries) {
    /** What is in the way for a moment, such as a mount in use, is gone after so many tries, some thirteen seconds. */
    private static final int PASSING = 8;

    /**
     * What whoever waits is told: that nobody is there to do it, or that it was tried often in vain, since that lasts until an
     * operator does something. Anything else mostly clears up by itself.
     */
    public Optional<Failure> lasting() {
        return failure.kind() == Failure.Kind.UNAVAILABLE || tries >= PASSING
                ? Optional.of(new Failure(failure.kind(), failure.message() + "; it is tried again until it works"))
                : Optional.empty();
    }
}
