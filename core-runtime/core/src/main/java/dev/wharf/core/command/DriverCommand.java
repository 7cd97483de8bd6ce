package dev.wharf.core.command;

import static dev.wharf.core.command.Decision.accept;
import static dev.wharf.core.command.Decision.refuse;

import dev.wharf.core.event.DriverEvent;
import dev.wharf.core.state.DriverBinding;
import dev.wharf.core.state.Host;
import dev.wharf.model.DriverId;
import dev.wharf.spi.Driver.Format;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** Wishes about drivers; mostly the house's own, made when bundles come and go. */
public sealed interface DriverCommand extends Command {
    @Override
    default boolean letsGo() {
        return true;
    }

    /** Writes down that an implementation came, and whether it can work here. */
    record Bind(DriverId driver, String implementation, List<Format> formats, int rank, boolean ready, String why)
            implements DriverCommand {
        public Bind {
            formats = List.copyOf(formats);
        }

        @Override
        public Decision decide(Host host, Instant now) {
            DriverBinding wanted = host.driver(driver)
                    .orElseGet(() -> DriverBinding.unknown(driver))
                    .serving(ready ? Optional.of(implementation) : Optional.empty(), formats, rank, ready, why);
            return host.driver(driver).equals(Optional.of(wanted))
                    ? refuse(Refusal.Kind.UNCHANGED, implementation + " serves " + driver + " already")
                    : accept(new DriverEvent.Bound(driver, implementation, formats, rank, ready, why));
        }
    }

    /**
     * Asks for another implementation to serve. Whether it can is found out by asking it, so this is only the beginning.
     *
     * @param chosen whether an operator says so
     */
    record RequestSwap(DriverId driver, String to, boolean chosen) implements DriverCommand {
        @Override
        public Decision decide(Host host, Instant now) {
            String from = host.driver(driver).flatMap(DriverBinding::serving).orElse("");
            return from.equals(to)
                    ? refuse(Refusal.Kind.UNCHANGED, to + " serves " + driver + " already")
                    : accept(new DriverEvent.SwapRequested(driver, from, to, chosen));
        }
    }

    /** Writes down that nobody is inside an implementation any more. */
    record Drain(DriverId driver, String implementation) implements DriverCommand {
        @Override
        public Decision decide(Host host, Instant now) {
            return accept(new DriverEvent.Drained(driver, implementation));
        }
    }

    /** Writes down that another implementation serves from now on, and how many things it found. */
    record HandOver(DriverId driver, String to, List<Format> formats, int rank, int adopted) implements DriverCommand {
        public HandOver {
            formats = List.copyOf(formats);
        }

        @Override
        public Decision decide(Host host, Instant now) {
            String from = host.driver(driver).flatMap(DriverBinding::serving).orElse("");
            return from.equals(to)
                    ? refuse(Refusal.Kind.UNCHANGED, to + " serves " + driver + " already")
                    : accept(new DriverEvent.HandedOver(driver, from, to, formats, rank, adopted));
        }
    }

    /** Writes down that an implementation was turned away, and why; whatever served goes on. */
    record TurnAway(DriverId driver, String candidate, String reason) implements DriverCommand {
        @Override
        public Decision decide(Host host, Instant now) {
            return accept(new DriverEvent.SwapRejected(driver, candidate, reason));
        }
    }

    /** Writes down that an implementation is gone. */
    record Unbind(DriverId driver, String implementation) implements DriverCommand {
        @Override
        public Decision decide(Host host, Instant now) {
            return host.driver(driver)
                            .flatMap(DriverBinding::serving)
                            .filter(implementation::equals)
                            .isPresent()
                    ? accept(new DriverEvent.Unbound(driver, implementation))
                    : refuse(Refusal.Kind.UNCHANGED, implementation + " does not serve " + driver);
        }
    }
}
