package dev.wharf.core.event;

import dev.wharf.core.state.DriverBinding;
import dev.wharf.core.state.Host;
import dev.wharf.model.DriverId;
import dev.wharf.model.SubjectId;
import dev.wharf.spi.Driver.Format;
import java.util.List;
import java.util.Optional;

/** What happens to drivers. */
public sealed interface DriverEvent extends Event {
    DriverId driver();

    @Override
    default SubjectId subject() {
        return driver();
    }

    /** An implementation came and serves, or came and cannot, with the reason. */
    @EventType("driver.bound")
    record Bound(DriverId driver, String implementation, List<Format> formats, int rank, boolean ready, String why)
            implements DriverEvent {
        public Bound {
            formats = List.copyOf(formats);
        }

        @Override
        public Host apply(Host host) {
            return host.with(host.driver(driver)
                    .orElseGet(() -> DriverBinding.unknown(driver))
                    .serving(ready ? Optional.of(implementation) : Optional.empty(), formats, rank, ready, why));
        }
    }

    @EventType("driver.unbound")
    record Unbound(DriverId driver, String implementation) implements DriverEvent {
        @Override
        public Host apply(Host host) {
            return host.driver(driver)
                    .filter(b -> b.serving().equals(Optional.of(implementation)))
                    .map(b ->
                            host.with(b.serving(Optional.empty(), b.formats(), b.rank(), false, "no driver is there")))
                    .orElse(host);
        }
    }

    /**
     * An implementation shall serve in place of another.
     *
     * @param chosen whether an operator said so, and it holds whatever the ranks are
     */
    @EventType("driver.swap-requested")
    record SwapRequested(DriverId driver, String from, String to, boolean chosen) implements DriverEvent {
        @Override
        public Host apply(Host host) {
            return chosen
                    ? host.driver(driver)
                            .map(b -> host.with(b.choosing(Optional.of(to))))
                            .orElse(host)
                    : host;
        }
    }

    /** Nobody is inside the old implementation any more. */
    @EventType("driver.drained")
    record Drained(DriverId driver, String implementation) implements DriverEvent {
        @Override
        public Host apply(Host host) {
            return host;
        }
    }

    /** The new implementation found everything the old one had, and serves. */
    @EventType("driver.handed-over")
    record HandedOver(DriverId driver, String from, String to, List<Format> formats, int rank, int adopted)
            implements DriverEvent {
        public HandedOver {
            formats = List.copyOf(formats);
        }

        @Override
        public Host apply(Host host) {
            return host.with(host.driver(driver)
                    .orElseGet(() -> DriverBinding.unknown(driver))
                    .serving(Optional.of(to), formats, rank, true, ""));
        }
    }

    @EventType("driver.swap-rejected")
    record SwapRejected(DriverId driver, String candidate, String reason) implements DriverEvent {
        @Override
        public Host apply(Host host) {
            return host.driver(driver)
                    .filter(b -> b.chosen().equals(Optional.of(candidate)))
                    .map(b -> host.with(b.choosing(Optional.empty())))
                    .orElse(host);
        }
    }

    @EventType("driver.recorded")
    record Recorded(DriverBinding state) implements DriverEvent {
        @Override
        public DriverId driver() {
            return state.id();
        }

        @Override
        public Host apply(Host host) {
            return host.with(state);
        }
    }
}
