/**
 * Snapshots on overlayfs: a layer is a directory of changes, and a container stands on all its layers without a copy. Begin
 * with {@link dev.wharf.storage.overlay.OverlayDriver}; {@link dev.wharf.storage.shelves} says what lies where.
 */
@NullMarked
package dev.wharf.storage.overlay;

import org.jspecify.annotations.NullMarked;
