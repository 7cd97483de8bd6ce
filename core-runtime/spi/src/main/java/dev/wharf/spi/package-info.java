/**
 * What every driver promises, and how it says that something did not work. Begin with {@link dev.wharf.spi.Driver}.
 */
@NullMarked
@Version("1.0.0")
package dev.wharf.spi;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.versioning.Version;
