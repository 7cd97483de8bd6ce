/**
 * Volumes as Docker's clients see them. Begin with {@link dev.wharf.engine.volumes.VolumeRoutes}.
 */
@NullMarked
package dev.wharf.engine.volumes;

import org.jspecify.annotations.NullMarked;
