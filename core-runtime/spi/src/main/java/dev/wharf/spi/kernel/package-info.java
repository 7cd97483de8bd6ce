/**
 * The port to the kernel: mounts, sandboxes, volumes' directories. Begin with {@link dev.wharf.spi.kernel.Kernel}.
 */
@NullMarked
@Version("1.0.0")
package dev.wharf.spi.kernel;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.versioning.Version;
