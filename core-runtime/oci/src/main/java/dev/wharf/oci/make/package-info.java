/**
 * Makes small images from nothing: for the first container on a machine that reaches no registry, and for tests. Begin with
 * {@link dev.wharf.oci.make.ImageMaker}.
 */
@NullMarked
@Version("1.0.0")
package dev.wharf.oci.make;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.versioning.Version;
