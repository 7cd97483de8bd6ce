package dev.wharf.engine.journal;

import dev.wharf.model.AddressPool;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;

/**
 * What a client may want to know of the agent itself.
 *
 * @param pools where subnets come from that nobody names, as far as the operator says
 */
public record AgentFacts(String version, Instant startedAt, Path dataRoot, Path execRoot, List<AddressPool> pools) {
    public AgentFacts {
        pools = List.copyOf(pools);
    }

    public AgentFacts(String version, Instant startedAt, Path dataRoot, Path execRoot) {
        this(version, startedAt, dataRoot, execRoot, List.of());
    }

    /** Where the operator's shell listens. */
    Path shell() {
        return execRoot.resolve("shell.sock");
    }
}
