/** The promises of places where images are kept. Begin with {@link dev.wharf.testkit.registry.RegistryBackendContract}. */
@NullMarked
package dev.wharf.testkit.registry;

import org.jspecify.annotations.NullMarked;
