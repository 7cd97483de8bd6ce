/**
 * Agents that are killed, stopped and started while containers run. Begin with {@link dev.wharf.itests.crash.CrashIT}; a run
 * that fails prints its seed, and {@code -Dcrash.seed=N} takes the same road again as far as clocks allow.
 */
@NullMarked
package dev.wharf.itests.crash;

import org.jspecify.annotations.NullMarked;
