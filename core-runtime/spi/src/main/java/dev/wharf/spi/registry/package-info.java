/**
 * The port to places where images are kept. Begin with {@link dev.wharf.spi.registry.RegistryBackend}.
 */
@NullMarked
@Version("1.2.0")
package dev.wharf.spi.registry;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.versioning.Version;
