/**
 * Images from archives, as {@code docker save} writes them: whatever lies in one folder is served under the names in it. Begin
 * with {@link dev.wharf.registry.archive.ArchiveBackend}.
 */
@NullMarked
package dev.wharf.registry.archive;

import org.jspecify.annotations.NullMarked;
