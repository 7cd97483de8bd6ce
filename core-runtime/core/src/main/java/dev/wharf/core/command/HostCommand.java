package dev.wharf.core.command;

import static dev.wharf.core.command.Decision.accept;

import dev.wharf.core.event.HostEvent;
import dev.wharf.core.state.Host;
import java.time.Instant;

/** Wishes about the host as a whole. */
public sealed interface HostCommand extends Command {
    /** Writes down that somebody had what was not in use removed, and how much room that made. */
    record NotePrune(String kind, long reclaimedBytes) implements HostCommand {
        @Override
        public Decision decide(Host host, Instant now) {
            return accept(new HostEvent.Pruned(kind, reclaimedBytes));
        }
    }
}
