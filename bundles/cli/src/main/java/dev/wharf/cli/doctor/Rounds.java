package dev.wharf.cli.doctor;

import java.util.List;

/** What a running agent says of itself, as findings. */
public final class Rounds {
    private Rounds() {}

    /** One driver of {@code wharf driver ls}. */
    public record Driver(String kind, String name, boolean ready, String why) {}

    /** A driver that is not ready is bad where nothing else does its work: one of each kind that every container needs. */
    public static List<Finding> drivers(List<Driver> drivers) {
        return List.of("storage", "runtime", "network").stream()
                .map(kind -> kind(
                        kind,
                        drivers.stream().filter(d -> d.kind().equals(kind)).toList()))
                .toList();
    }

    private static Finding kind(String kind, List<Driver> drivers) {
        List<String> ready =
                drivers.stream().filter(Driver::ready).map(Driver::name).toList();
        String rest = String.join(
                "; ",
                drivers.stream()
                        .filter(d -> !d.ready())
                        .map(d -> d.name() + ": " + d.why())
                        .toList());
        if (ready.isEmpty()) {
            return Finding.bad(
                    "drivers",
                    "no " + kind + " driver is ready" + (rest.isEmpty() ? "" : ": " + rest),
                    "mend what is missing, then: wharf driver probe NAME");
        }
        return Finding.ok(
                "drivers",
                kind + ": " + String.join(", ", ready) + (rest.isEmpty() ? "" : " (not ready: " + rest + ")"));
    }
}
