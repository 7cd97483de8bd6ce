/**
 * The {@code wharf} command: a small client of the agent's REST API. It starts a JVM for each call, so it loads few classes:
 * no HTTP library, no object mapper. Begin with {@link dev.wharf.cli.Main}.
 */
@NullMarked
package dev.wharf.cli;

import org.jspecify.annotations.NullMarked;
