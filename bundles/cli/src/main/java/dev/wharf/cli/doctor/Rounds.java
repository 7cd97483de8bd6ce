package dev.wharf.cli.doctor;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** What a running agent says of itself, as findings. */
public final class Rounds {
    private Rounds() {}

    /**
     * One driver of {@code wharf driver ls}.
     *
     * @param uses what stands on it, such as {@code 3 networks}
     */
    public record Driver(String kind, String name, boolean ready, String why, Optional<String> uses) {}

    /**
     * A driver that is not ready is bad where something stands on it, and where nothing else does its work: one of each kind
     * that every container needs.
     */
    public static List<Finding> drivers(List<Driver> drivers) {
        return Stream.concat(
                        Stream.of("storage", "runtime", "network")
                                .map(kind -> kind(
                                        kind,
                                        drivers.stream()
                                                .filter(d -> d.kind().equals(kind))
                                                .toList())),
                        drivers.stream()
                                .filter(d -> !d.ready() && d.uses().isPresent())
                                .map(Rounds::missed))
                .toList();
    }

    /** A journal that cannot be written: whatever is asked for is refused, and what runs runs on unwatched. */
    public static Optional<Finding> journal(String broken) {
        return broken.isEmpty()
                ? Optional.empty()
                : Optional.of(Finding.bad(
                        "journal",
                        "every change is refused: " + broken,
                        "see that its disk is sound, which dmesg may tell; then systemctl restart wharfd, which leaves"
                                + " containers running"));
    }

    private static Finding missed(Driver driver) {
        String id = driver.kind() + "/" + driver.name();
        return Finding.bad(
                "drivers",
                id + ", which " + driver.uses().orElse("nothing") + " stand on, is not ready: " + driver.why(),
                "put its bundle back into the plugins folder, or mend what is missing, then: wharf driver probe " + id);
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
