/**
 * What drivers need that speak TLS to a server. Begin with {@link dev.wharf.spi.tls.ClientTls}.
 */
@NullMarked
@Version("1.0.0")
package dev.wharf.spi.tls;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.versioning.Version;
