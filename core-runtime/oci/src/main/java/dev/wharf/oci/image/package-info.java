/**
 * The documents of an image, to and from records: manifest, index and config. Documents come from strangers, so reading is
 * strict and bounded: whatever is in the bytes, the answer is a value or a {@link dev.wharf.oci.image.DocumentException}.
 * Begin with {@link dev.wharf.oci.image.Manifest}.
 */
@NullMarked
@Version("1.0.0")
package dev.wharf.oci.image;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.versioning.Version;
