/**
 * The resolver of containers on networks of their own, at 127.0.0.11 inside each. Begin with
 * {@link dev.wharf.dns.Attendant}, which listens wherever the journal says that a container needs it, and
 * {@link dev.wharf.dns.Names}, which knows what a container may know.
 */
@NullMarked
package dev.wharf.dns;

import org.jspecify.annotations.NullMarked;
