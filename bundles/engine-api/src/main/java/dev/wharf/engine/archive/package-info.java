/**
 * File systems of containers as bytes: copies in and out, changes, exports and commits. Begin with
 * {@link dev.wharf.engine.archive.Trees}.
 */
@NullMarked
package dev.wharf.engine.archive;

import org.jspecify.annotations.NullMarked;
