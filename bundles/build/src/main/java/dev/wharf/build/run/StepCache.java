package dev.wharf.build.run;

import dev.wharf.model.Digest;
import java.util.Optional;

/** Where what was done before is found again. */
public interface StepCache {
    Optional<Cached> find(Digest key);

    void keep(Digest key, Cached step);
}
