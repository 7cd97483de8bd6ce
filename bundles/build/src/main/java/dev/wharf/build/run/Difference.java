package dev.wharf.build.run;

import dev.wharf.core.state.BuildStep;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;

/** Says where two builds of one file first went different ways, and why. */
public final class Difference {
    /** As many inputs are named; more tell no more. */
    private static final int MOST_NAMED = 5;

    private Difference() {}

    /** @param before and {@code after} steps in the order of their numbers */
    public static Optional<String> first(List<BuildStep> before, List<BuildStep> after) {
        for (int i = 0; i < after.size(); i++) {
            BuildStep now = after.get(i);
            if (i >= before.size()) {
                return Optional.of("step " + now.number() + " is new: " + now.instruction());
            }
            BuildStep then = before.get(i);
            if (now.key().equals(then.key())) {
                if (!now.cached() && now.layer().isPresent()) {
                    return Optional.of("step " + now.number()
                            + " missed: it was done before, but what it made is gone, or was not to be used (--no-cache): "
                            + now.instruction());
                }
                continue;
            }
            return Optional.of("step " + now.number() + (now.cached() ? " differs: " : " missed: ") + why(then, now));
        }
        return before.size() > after.size()
                ? Optional.of("step " + before.get(after.size()).number() + " is gone: "
                        + before.get(after.size()).instruction())
                : Optional.empty();
    }

    private static String why(BuildStep then, BuildStep now) {
        if (!then.instruction().equals(now.instruction())) {
            return "the instruction was \"" + then.instruction() + "\" and is \"" + now.instruction() + "\"";
        }
        List<String> changed = new ArrayList<>();
        TreeSet<String> names = new TreeSet<>(then.inputs().keySet());
        names.addAll(now.inputs().keySet());
        for (String name : names) {
            if (!then.inputs().containsKey(name)) {
                changed.add(name + " is new");
            } else if (!now.inputs().containsKey(name)) {
                changed.add(name + " is gone");
            } else if (!then.inputs().get(name).equals(now.inputs().get(name))) {
                changed.add(
                        name.endsWith(" (base)")
                                ? "base " + name.replace(" (base)", "") + " moved"
                                : name + " changed");
            }
        }
        if (changed.isEmpty()) {
            return "what came before it changed: " + now.instruction();
        }
        String more = changed.size() > MOST_NAMED ? " and " + (changed.size() - MOST_NAMED) + " more" : "";
        return String.join(", ", changed.subList(0, Math.min(MOST_NAMED, changed.size()))) + more;
    }
}
