package dev.wharf.core.loop;

import dev.wharf.core.plan.Plan;
import dev.wharf.core.plan.Proposal;
import dev.wharf.core.plan.Step;
import dev.wharf.core.state.Host;
import dev.wharf.model.SubjectId;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** Says for people what comes next for a subject; what is wanted and known of it, {@code Portrait} shows. */
final class Explain {
    private Explain() {}

    static List<String> lines(Host host, SubjectId subject, Instant now, Set<String> busy) {
        List<String> lines = new ArrayList<>();
        for (String rung : busy) {
            lines.add("under way: " + rung);
        }
        Proposal next = Plan.of(subject).next(host, now, busy);
        for (Step step : next.steps()) {
            lines.add(words(step.getClass().getSimpleName()) + " (" + step.rung() + ")");
        }
        next.says().forEach(e -> lines.add("write down " + words(e.getClass().getSimpleName())));
        next.wakeAt().ifPresent(at -> lines.add("waits until " + at));
        if (next.rests()) {
            lines.add("rests: everything wanted is there, and nothing else");
        } else if (next.steps().isEmpty()
                && next.says().isEmpty()
                && next.wakeAt().isEmpty()
                && busy.isEmpty()) {
            lines.add("waits for something else to change");
        }
        return lines;
    }

    /** {@code MountRootfs} as {@code mount rootfs}. */
    private static String words(String name) {
        return name.replaceAll("(?<=[a-z])(?=[A-Z])", " ").toLowerCase(Locale.ROOT);
    }
}
