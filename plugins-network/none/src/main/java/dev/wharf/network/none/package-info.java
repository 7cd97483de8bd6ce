/**
 * No network for a container but its own loopback. Begin with {@link dev.wharf.network.none.NoneDriver}.
 */
@NullMarked
package dev.wharf.network.none;

import org.jspecify.annotations.NullMarked;
