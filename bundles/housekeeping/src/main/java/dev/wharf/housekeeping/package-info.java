/**
 * Jobs that keep a host tidy: when they run, and what they do. They look, decide by pure functions of the core, and give commands
 * like anybody else; nothing in here removes anything by itself. Begin with {@link
 * dev.wharf.housekeeping.HousekeepingComponent}.
 */
@NullMarked
package dev.wharf.housekeeping;

import org.jspecify.annotations.NullMarked;
