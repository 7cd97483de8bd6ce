/**
 * What drivers have in common that keep each snapshot in a directory of its own: where it lies, how it appears, is sealed and
 * goes by one rename, and what is written down beside it. Begin with {@link dev.wharf.storage.shelves.Snapshots}. Each driver's
 * bundle carries its own copy, so that a driver comes and goes alone.
 */
@NullMarked
package dev.wharf.storage.shelves;

import org.jspecify.annotations.NullMarked;
