/**
 * Several hosts on one machine, each a network namespace with an agent of its own, and what they do together. Begin with
 * {@link dev.wharf.itests.hosts.Neighbours}.
 */
@NullMarked
package dev.wharf.itests.hosts;

import org.jspecify.annotations.NullMarked;
