/**
 * The port to file system snapshots. Begin with {@link dev.wharf.spi.storage.StorageDriver}.
 */
@NullMarked
@Version("1.0.0")
package dev.wharf.spi.storage;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.versioning.Version;
