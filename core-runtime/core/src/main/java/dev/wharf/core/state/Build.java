package dev.wharf.core.state;

import dev.wharf.model.ContainerId;
import dev.wharf.model.ImageId;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A build that is done or under way.
 *
 * @param file where its Dockerfile was in its context
 * @param names what the image should be called
 * @param took how long it was; empty while it is under way
 * @param image what came of it; empty where it failed
 * @param failure why it failed, or empty
 */
public record Build(
        String id,
        Instant at,
        String file,
        List<String> names,
        List<BuildStep> steps,
        Optional<Duration> took,
        Optional<ImageId> image,
        String failure) {
    /** As many builds are remembered. */
    public static final int MOST = 50;

    public Build {
        names = List.copyOf(names);
        steps = List.copyOf(steps);
    }

    public boolean isUnderWay() {
        return took.isEmpty();
    }

    /** What the container of a step is called. */
    public static String containerName(ContainerId id) {
        return "build-" + id.shortForm();
    }

    public Build with(BuildStep step) {
        List<BuildStep> more = new ArrayList<>(steps);
        more.add(step);
        return new Build(id, at, file, names, more, took, image, failure);
    }

    public Build ended(Duration after, Optional<ImageId> what, String why) {
        return new Build(id, at, file, names, steps, Optional.of(after), what, why);
    }
}
