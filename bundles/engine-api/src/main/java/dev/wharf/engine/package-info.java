/**
 * The Docker Engine API: the only room that speaks Docker's words. Begin with {@link dev.wharf.engine.EngineApi}, which lists
 * the routes; a read uses the agent's host, a write submits a command.
 */
@NullMarked
package dev.wharf.engine;

import org.jspecify.annotations.NullMarked;
