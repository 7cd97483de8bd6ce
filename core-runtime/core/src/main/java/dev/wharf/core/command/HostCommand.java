package dev.wharf.core.command;

import static dev.wharf.core.command.Decision.accept;
import static dev.wharf.core.command.Decision.refuse;

import dev.wharf.core.event.HostEvent;
import dev.wharf.core.state.Host;
import java.time.Instant;
import java.util.List;

/** Wishes about the host as a whole. */
public sealed interface HostCommand extends Command {
    /** Writes down that somebody had what was not in use removed, and how much room that made. */
    record NotePrune(String kind, long reclaimedBytes) implements HostCommand {
        @Override
        public boolean letsGo() {
            return true;
        }

        @Override
        public Decision decide(Host host, Instant now) {
            return accept(new HostEvent.Pruned(kind, reclaimedBytes));
        }
    }

    /** Removes exactly what was shown, all of it in one go; with anything different now, nothing. */
    record Prune(Pruning what, List<Pruning.Item> shown) implements HostCommand {
        @Override
        public boolean letsGo() {
            return true;
        }

        public Prune {
            shown = List.copyOf(shown);
        }

        @Override
        public Decision decide(Host host, Instant now) {
            List<Pruning.Item> items = what.items(host);
            if (!items.equals(shown)) {
                return refuse(
                        Refusal.Kind.CONFLICT,
                        "the host has changed since the plan was made: "
                                + String.join("; ", Pruning.differences(shown, items)));
            }
            return items.isEmpty()
                    ? refuse(Refusal.Kind.UNCHANGED, "there is nothing to remove")
                    : accept(Pruning.removals(host, items, now));
        }
    }
}
