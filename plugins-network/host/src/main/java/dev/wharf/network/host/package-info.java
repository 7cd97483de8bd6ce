/**
 * The host's own network for a container. Begin with {@link dev.wharf.network.host.HostDriver}.
 */
@NullMarked
package dev.wharf.network.host;

import org.jspecify.annotations.NullMarked;
