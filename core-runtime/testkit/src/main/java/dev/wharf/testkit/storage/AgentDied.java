package dev.wharf.testkit.storage;

/** The agent was killed here: no code of its own runs after this, and what its clean-up asks for fails as well. */
public final class AgentDied extends Error {
    private static final long serialVersionUID = 1L;

    AgentDied() {
        super("the agent was killed");
    }
}
