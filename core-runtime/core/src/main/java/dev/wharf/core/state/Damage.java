package dev.wharf.core.state;

import dev.wharf.model.Digest;
import java.time.Instant;
import java.util.Optional;

/**
 * A blob that was found to be something else than its digest says. Until it comes again, the images that stand on it can be
 * run and not be passed on.
 *
 * @param what what is wrong with it, in words
 * @param aside whether it was moved out of the way, so that it can come again
 */
public record Damage(Digest blob, String what, Instant at, boolean aside, Optional<Stall> stall) {
    public Damage stalled(Stall why) {
        return new Damage(blob, what, at, aside, Optional.of(why));
    }
}
