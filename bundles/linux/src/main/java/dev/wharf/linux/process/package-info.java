/**
 * Processes, raw descriptors and namespaces by direct calls. {@link dev.wharf.linux.process.Epoll} is the one thread that
 * waits for all of them.
 */
@NullMarked
package dev.wharf.linux.process;

import org.jspecify.annotations.NullMarked;
