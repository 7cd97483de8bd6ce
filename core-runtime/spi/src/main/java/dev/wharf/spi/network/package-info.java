/**
 * The port to network modes. Begin with {@link dev.wharf.spi.network.NetworkDriver}.
 */
@NullMarked
@Version("1.0.0")
package dev.wharf.spi.network;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.versioning.Version;
