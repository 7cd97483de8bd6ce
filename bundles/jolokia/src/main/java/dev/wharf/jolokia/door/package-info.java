/**
 * Everything that knows Jolokia. It is loaded together with Jolokia by {@link dev.wharf.jolokia.Annexe}, not by the bundle, and
 * begins with {@link dev.wharf.jolokia.door.Door}.
 */
@NullMarked
package dev.wharf.jolokia.door;

import org.jspecify.annotations.NullMarked;
