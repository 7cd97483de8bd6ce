package dev.wharf.core.state;

import dev.wharf.model.DriverId;
import dev.wharf.spi.Driver.Format;
import java.util.List;
import java.util.Optional;

/**
 * What serves under a driver's name.
 *
 * @param serving the implementation that serves, as {@code bundle/version}; empty while none does
 * @param ready whether it can work here, and {@code why} not
 * @param chosen the implementation that an operator wants to serve whatever the others' rank, while it is there
 * @param previous what served before, for whoever wants it back
 */
public record DriverBinding(
        DriverId id,
        Optional<String> serving,
        List<Format> formats,
        int rank,
        boolean ready,
        String why,
        Optional<String> chosen,
        Optional<String> previous) {
    public DriverBinding {
        formats = List.copyOf(formats);
    }

    public DriverBinding(
            DriverId id, Optional<String> serving, List<Format> formats, int rank, boolean ready, String why) {
        this(id, serving, formats, rank, ready, why, Optional.empty(), Optional.empty());
    }

    /** The same with something else serving, or nothing; what served until then is remembered. */
    public DriverBinding serving(
            Optional<String> now, List<Format> readable, int rankNow, boolean isReady, String reason) {
        Optional<String> before = serving.isPresent() && !serving.equals(now) ? serving : previous;
        return new DriverBinding(
                id, now, readable, rankNow, isReady, reason, chosen, before.filter(b -> !now.equals(Optional.of(b))));
    }

    /** The same with an operator's choice, or without one. */
    public DriverBinding choosing(Optional<String> implementation) {
        return new DriverBinding(id, serving, formats, rank, ready, why, implementation, previous);
    }

    /** What is known of a driver that nobody has heard of. */
    public static DriverBinding unknown(DriverId id) {
        return new DriverBinding(id, Optional.empty(), List.of(), 0, false, "no driver is there");
    }
}
