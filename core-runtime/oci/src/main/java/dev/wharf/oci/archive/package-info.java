/**
 * Images in one tar, as {@code docker save} writes and {@code docker load} reads: Docker's archive and the OCI layout, both
 * read in one pass and both written at once. Begin with {@link dev.wharf.oci.archive.ImageArchive}.
 */
@NullMarked
@Version("1.0.0")
package dev.wharf.oci.archive;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.versioning.Version;
