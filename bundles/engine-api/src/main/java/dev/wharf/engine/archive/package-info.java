/**
 * File systems of containers as bytes: copies in and out, changes, and exports. Begin with
 * {@link dev.wharf.engine.archive.CopyRoutes}.
 */
@NullMarked
package dev.wharf.engine.archive;

import org.jspecify.annotations.NullMarked;
