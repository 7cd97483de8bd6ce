package dev.wharf.build.plan;

import dev.wharf.model.Platform;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;

/**
 * The build arguments of one stage: those of the client count where an ARG names them. Without an owner of its own; one thread
 * at a time.
 */
public final class Variables {
    /** Names that need no ARG, and leave no trace in an image unless there is one. */
    private static final Set<String> PREDEFINED = Set.of(
            "HTTP_PROXY",
            "http_proxy",
            "HTTPS_PROXY",
            "https_proxy",
            "FTP_PROXY",
            "ftp_proxy",
            "NO_PROXY",
            "no_proxy",
            "ALL_PROXY",
            "all_proxy");

    private final Map<String, String> given;
    private final Map<String, String> outer;
    private final Map<String, Optional<String>> declared = new LinkedHashMap<>();
    private final Set<String> used;

    private Variables(Map<String, String> given, Map<String, String> outer, Set<String> used) {
        this.given = given;
        this.outer = outer;
        this.used = used;
    }

    /** What counts before the first FROM. */
    static Variables outermost(Map<String, String> given, Platform platform, String target) {
        Map<String, String> known = platforms(platform);
        known.put("TARGETSTAGE", target.isEmpty() ? "default" : target);
        Variables variables = new Variables(given, known, new LinkedHashSet<>());
        variables.outer.forEach(
                (name, value) -> variables.declared.put(name, Optional.of(given.getOrDefault(name, value))));
        return variables;
    }

    private static Map<String, String> platforms(Platform target) {
        Map<String, String> all = new LinkedHashMap<>();
        for (Map.Entry<String, Platform> side :
                Map.of("TARGET", target, "BUILD", Platform.host()).entrySet()) {
            Platform platform = side.getValue();
            all.put(side.getKey() + "PLATFORM", platform.toString());
            all.put(side.getKey() + "OS", platform.os());
            all.put(side.getKey() + "ARCH", platform.architecture());
            all.put(side.getKey() + "VARIANT", platform.variant());
        }
        return all;
    }

    /** The arguments of a stage, which knows those from before the first FROM by name only. */
    Variables stage() {
        Map<String, String> values = new LinkedHashMap<>();
        declared.forEach((name, value) -> value.ifPresent(v -> values.put(name, v)));
        return new Variables(given, values, used);
    }

    /** The arguments of a stage that goes on where another ended. */
    Variables stage(Variables before) {
        Variables variables = stage();
        variables.declared.putAll(before.declared);
        return variables;
    }

    /** {@code ARG name} or {@code ARG name=value}. */
    void declare(String name, Optional<String> byDefault) {
        if (given.containsKey(name)) {
            used.add(name);
            declared.put(name, Optional.of(given.get(name)));
        } else if (byDefault.isPresent()) {
            declared.put(name, byDefault);
        } else {
            declared.put(name, Optional.ofNullable(outer.get(name)));
        }
    }

    /** Whether the client gave a value. */
    boolean isGiven(String name) {
        return given.containsKey(name);
    }

    /** Whether an ARG names it, or nobody needs to. */
    boolean isDeclared(String name) {
        return declared.containsKey(name) || PREDEFINED.contains(name);
    }

    public Optional<String> value(String name) {
        Optional<String> value = declared.getOrDefault(name, Optional.empty());
        if (value.isEmpty() && PREDEFINED.contains(name) && given.containsKey(name)) {
            used.add(name);
            return Optional.of(given.get(name));
        }
        return value;
    }

    /** What a RUN sees: arguments that have a value and are hidden by no variable of the image. */
    Map<String, String> seen(Set<String> environment) {
        Map<String, String> seen = new TreeMap<>();
        for (String name : PREDEFINED) {
            value(name).ifPresent(v -> seen.put(name, v));
        }
        declared.forEach((name, value) -> value.ifPresent(v -> seen.put(name, v)));
        environment.forEach(seen::remove);
        return seen;
    }

    /** Of what a RUN sees, what is told by the image's history: everything but proxies that nobody declared. */
    Map<String, String> told(Set<String> environment) {
        Map<String, String> told = seen(environment);
        told.keySet().removeIf(name -> PREDEFINED.contains(name) && !declared.containsKey(name));
        return told;
    }

    /** Arguments of the client that no ARG asked for. */
    public List<String> unused() {
        List<String> names = new ArrayList<>(given.keySet());
        names.removeIf(name -> used.contains(name) || PREDEFINED.contains(name));
        return names.stream().sorted().toList();
    }

    /** Expands with these arguments and, before them, an image's environment. */
    static Function<String, Optional<String>> over(Map<String, String> environment, Variables arguments) {
        return name -> environment.containsKey(name) ? Optional.of(environment.get(name)) : arguments.value(name);
    }
}
