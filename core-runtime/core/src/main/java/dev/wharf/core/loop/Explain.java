package dev.wharf.core.loop;

import dev.wharf.core.plan.Plan;
import dev.wharf.core.plan.Proposal;
import dev.wharf.core.plan.Step;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.Fact;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Stall;
import dev.wharf.model.ContainerId;
import dev.wharf.model.ImageId;
import dev.wharf.model.LayerId;
import dev.wharf.model.NetworkId;
import dev.wharf.model.PullId;
import dev.wharf.model.SubjectId;
import dev.wharf.model.VolumeName;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/** Says for people what is wanted of a subject, what is known of it, and what comes next. */
final class Explain {
    private Explain() {}

    static List<String> lines(Host host, SubjectId subject, Instant now, Set<String> busy) {
        List<String> lines = new ArrayList<>();
        facts(host, subject, lines);
        if (lines.isEmpty()) {
            return List.of("nothing is known of " + subject.text());
        }
        for (String rung : busy) {
            lines.add("under way: " + rung);
        }
        Proposal next = Plan.of(subject).next(host, now, busy);
        for (Step step : next.steps()) {
            lines.add("next: " + words(step.getClass().getSimpleName()) + " (" + step.rung() + ")");
        }
        next.says()
                .forEach(e -> lines.add("next: write down " + words(e.getClass().getSimpleName())));
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

    private static void facts(Host host, SubjectId subject, List<String> lines) {
        if (subject instanceof ContainerId id) {
            host.container(id).ifPresent(c -> container(c, lines));
        } else if (subject instanceof NetworkId id) {
            host.network(id).ifPresent(n -> {
                lines.add("goal: " + (n.wanted() ? "present" : "removed"));
                fact(lines, "device", n.device());
                stall(lines, n.stall());
            });
        } else if (subject instanceof VolumeName name) {
            host.volume(name).ifPresent(v -> {
                lines.add("goal: " + (v.wanted() ? "present" : "removed"));
                fact(lines, "directory", v.path());
                stall(lines, v.stall());
            });
        } else if (subject instanceof LayerId id) {
            host.layer(id).ifPresent(l -> {
                lines.add("goal: " + (host.isWanted(id) ? "present" : "removed, for nothing stands on it"));
                fact(lines, "content", l.content());
                fact(lines, "snapshot", l.snapshot());
                stall(lines, l.stall());
            });
        } else if (subject instanceof ImageId id) {
            host.image(id).ifPresent(i -> {
                lines.add("goal: " + (i.wanted() ? "present" : "removed"));
                lines.add("references: " + i.references());
            });
        } else if (subject instanceof PullId id) {
            host.pull(id).ifPresent(p -> {
                lines.add("goal: bring " + p.references() + " here");
                lines.add(
                        "resolved: " + p.resolved().map(r -> r.image().value()).orElse("not yet"));
            });
        }
    }

    private static void container(Container c, List<String> lines) {
        lines.add("goal: " + c.goal().name().toLowerCase(Locale.ROOT) + ", generation " + c.generation());
        fact(lines, "rootfs", c.rootfs());
        fact(lines, "mount", c.mount());
        fact(lines, "sandbox", c.sandbox());
        c.places()
                .forEach((network, place) -> fact(
                        lines,
                        "endpoint on " + network.shortForm() + " "
                                + place.endpoint().ipv4() + (place.wanted() ? "" : ", unwanted"),
                        place.fact()));
        fact(lines, "process", c.process());
        fact(lines, "remains", c.remains());
        if (!c.frozen().isAbsent()) {
            fact(lines, "frozen", c.frozen());
        }
        c.exit()
                .ifPresent(e -> lines.add("last exit: code " + e.code() + " at " + e.at()
                        + (e.outOfMemory() ? ", out of memory" : "")
                        + (e.inferred() ? ", inferred: no monitor told it" : "")));
        c.failure().ifPresent(f -> lines.add("last start failed: " + f.message()));
        c.restartAt().ifPresent(at -> lines.add("restart policy starts it again at " + at));
        stall(lines, c.stall());
    }

    private static void fact(List<String> lines, String what, Fact<?> fact) {
        lines.add(what + ": " + fact.certainty().name().toLowerCase(Locale.ROOT)
                + fact.last().map(v -> " " + v).orElse(""));
    }

    private static void stall(List<String> lines, Optional<Stall> stall) {
        stall.ifPresent(s -> lines.add("stalled on " + s.rung() + " after " + s.tries() + " tries: "
                + s.failure().message() + "; next try at " + s.retryAt()));
    }

    /** {@code MountRootfs} as {@code mount rootfs}. */
    private static String words(String name) {
        return name.replaceAll("(?<=[a-z])(?=[A-Z])", " ").toLowerCase(Locale.ROOT);
    }
}
