/**
 * The port to OCI runtimes and the streams of what they run. Begin with {@link dev.wharf.spi.runtime.OciRuntime}.
 */
@NullMarked
@Version("1.0.0")
package dev.wharf.spi.runtime;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.versioning.Version;
