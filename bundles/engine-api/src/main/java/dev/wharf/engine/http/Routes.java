package dev.wharf.engine.http;

import dev.wharf.core.agent.Agent;

/**
 * The routes of one subject. A part of the API is a class that implements this and stands in the list of
 * {@code EngineApi.routes}.
 */
public interface Routes {
    /** Adds every route of this part. */
    void addTo(Router router);

    /** Clears away what this part left when an agent before this one died; requests may come meanwhile. */
    default void tidy(Agent agent) {}

    /** The engine's front goes away. */
    default void close() {}
}
