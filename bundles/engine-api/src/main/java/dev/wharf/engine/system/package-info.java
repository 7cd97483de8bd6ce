/** What the engine says about itself and its host. Begin with {@link dev.wharf.engine.system.SystemRoutes}. */
@NullMarked
package dev.wharf.engine.system;

import org.jspecify.annotations.NullMarked;
