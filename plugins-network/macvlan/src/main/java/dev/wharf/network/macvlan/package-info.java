/**
 * Networks on which a sandbox has a device of its own that shares the wire of one of the host's. Begin with
 * {@link dev.wharf.network.macvlan.ChildDriver}, of which macvlan and ipvlan are the two kinds.
 */
@NullMarked
package dev.wharf.network.macvlan;

import org.jspecify.annotations.NullMarked;
