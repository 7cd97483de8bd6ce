/**
 * The operator's shell: Gogo commands about Wharf, and a unix socket only root can open to type them on. Begin with {@link
 * dev.wharf.shell.HouseCommands} for what can be said, and {@link dev.wharf.shell.ShellDoor} for where.
 */
@NullMarked
package dev.wharf.shell;

import org.jspecify.annotations.NullMarked;
