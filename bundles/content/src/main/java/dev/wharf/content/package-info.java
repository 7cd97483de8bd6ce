/**
 * Blobs on disk under their digests. Begin with {@link dev.wharf.content.DiskContentStore}.
 */
@NullMarked
package dev.wharf.content;

import org.jspecify.annotations.NullMarked;
