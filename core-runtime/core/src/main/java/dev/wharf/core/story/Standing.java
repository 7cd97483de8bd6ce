package dev.wharf.core.story;

import dev.wharf.core.state.Container;
import dev.wharf.core.state.Goal;
import java.util.Locale;

/** How a container stands, in one word that operators know, derived from its goal and its facts. */
public enum Standing {
    CREATED,
    RUNNING,
    PAUSED,
    RESTARTING,
    REMOVING,
    EXITED;

    public static Standing of(Container container) {
        if (container.isPaused()) return PAUSED;
        if (container.goal() == Goal.REMOVED) return REMOVING;
        if (container.isRunning()) return RUNNING;
        if (container.isRestarting()) return RESTARTING;
        return container.startedAt().isPresent() ? EXITED : CREATED;
    }

    /** The lower-case word. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}
