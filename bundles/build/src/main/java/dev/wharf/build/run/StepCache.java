package dev.wharf.build.run;

import dev.wharf.core.state.BuildStep;
import dev.wharf.model.Digest;
import java.util.List;
import java.util.Optional;

/** Where what was done before is found again. Safe to use from any thread. */
public interface StepCache {
    Optional<BuildStep> find(Digest key);

    /** Writes steps down, in their order, without waiting for that. */
    void keep(List<BuildStep> steps);

    /** Lets a step be found under another key, too, for as long as this process lives. */
    void alias(Digest other, Digest key);
}
