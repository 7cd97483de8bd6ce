/**
 * The port to content-addressed blobs. Begin with {@link dev.wharf.spi.content.ContentStore}.
 */
@NullMarked
@Version("1.1.0")
package dev.wharf.spi.content;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.versioning.Version;
