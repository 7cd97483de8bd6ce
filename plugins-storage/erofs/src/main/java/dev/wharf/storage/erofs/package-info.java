/**
 * Snapshots whose layers are erofs files: a layer's tar becomes one read-only file system image as it streams by, and a
 * container mounts the images under an overlay. Begin with {@link dev.wharf.storage.erofs.ErofsDriver}; {@link
 * dev.wharf.storage.erofs.ImageWriter} writes images and {@link dev.wharf.storage.erofs.Image} reads them, by the kernel's
 * documentation (filesystems/erofs) and its header erofs_fs.h.
 */
@NullMarked
package dev.wharf.storage.erofs;

import org.jspecify.annotations.NullMarked;
