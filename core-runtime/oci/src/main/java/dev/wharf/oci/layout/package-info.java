/**
 * Images as a folder: the OCI image layout, read and written with nothing but the file system. Begin with
 * {@link dev.wharf.oci.layout.OciLayout}.
 */
@NullMarked
@Version("1.0.0")
package dev.wharf.oci.layout;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.versioning.Version;
