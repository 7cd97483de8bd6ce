/**
 * Images as Docker's clients see them: lists, pulls and pushes with their progress, archives. Begin with
 * {@link dev.wharf.engine.images.ImageRoutes}.
 */
@NullMarked
package dev.wharf.engine.images;

import org.jspecify.annotations.NullMarked;
