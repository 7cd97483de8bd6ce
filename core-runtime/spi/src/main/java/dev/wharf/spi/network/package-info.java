/**
 * The port to network modes. Begin with {@link dev.wharf.spi.network.NetworkDriver}. Networks that several hosts share have
 * three small ports more: a {@link dev.wharf.spi.network.PeerSource} says which hosts these are,
 * {@link dev.wharf.spi.network.Residents} who is on them here, {@link dev.wharf.spi.network.Neighbourhood} who is elsewhere.
 */
@NullMarked
@Version("1.0.0")
package dev.wharf.spi.network;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.versioning.Version;
