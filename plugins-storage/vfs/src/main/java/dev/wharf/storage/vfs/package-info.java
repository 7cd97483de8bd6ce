/**
 * Snapshots as plain copies, for hosts where overlayfs does not work. Begin with {@link dev.wharf.storage.vfs.VfsDriver}.
 */
@NullMarked
package dev.wharf.storage.vfs;

import org.jspecify.annotations.NullMarked;
