/**
 * Networks that several hosts share: a bridge on each, and between them tunnels that carry its frames (RFC 7348). Begin with
 * {@link dev.wharf.network.vxlan.OverlayDriver}; {@link dev.wharf.network.vxlan.Exchange} is how hosts tell one another who
 * is where.
 */
@NullMarked
package dev.wharf.network.vxlan;

import org.jspecify.annotations.NullMarked;
