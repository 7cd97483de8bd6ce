/**
 * Snapshots as subvolumes of btrfs. Begin with {@link dev.wharf.storage.btrfs.BtrfsDriver}.
 */
@NullMarked
package dev.wharf.storage.btrfs;

import org.jspecify.annotations.NullMarked;
