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
 */
public record DriverBinding(
        DriverId id, Optional<String> serving, List<Format> formats, int rank, boolean ready, String why) {
    public DriverBinding {
        formats = List.copyOf(formats);
    }
}
