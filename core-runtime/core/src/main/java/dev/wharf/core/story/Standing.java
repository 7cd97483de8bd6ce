package dev.wharf.core.story;

import dev.wharf.core.state.Container;
import dev.wharf.core.state.Goal;
import dev.wharf.core.state.Host;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;

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

    /** How many containers stand in each way; those without any are there with 0. */
    public static Map<Standing, Integer> counts(Host host) {
        Map<Standing, Integer> counts = new EnumMap<>(Standing.class);
        for (Standing standing : values()) {
            counts.put(standing, 0);
        }
        host.containers().values().forEach(c -> counts.merge(of(c), 1, Integer::sum));
        return counts;
    }

    /** The lower-case word. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}
