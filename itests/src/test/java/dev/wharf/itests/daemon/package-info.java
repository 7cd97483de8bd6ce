/**
 * The daemon as an operator meets it: a folder, a command, a socket and signals. Begin at {@link
 * dev.wharf.itests.daemon.Daemon}, which every end-to-end test starts its own agent with.
 */
@NullMarked
package dev.wharf.itests.daemon;

import org.jspecify.annotations.NullMarked;
