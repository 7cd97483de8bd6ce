package dev.wharf.engine.journal;

import java.nio.file.Path;
import java.time.Instant;

/** What a client may want to know of the agent itself. */
public record AgentFacts(String version, Instant startedAt, Path dataRoot, Path execRoot) {
    /** Where the operator's shell listens. */
    Path shell() {
        return execRoot.resolve("shell.sock");
    }
}
