/**
 * {@code /build}: Docker's words for what {@code dev.wharf.build} does. Begin with {@link dev.wharf.engine.build.BuildRoutes}.
 */
@NullMarked
package dev.wharf.engine.build;

import org.jspecify.annotations.NullMarked;
