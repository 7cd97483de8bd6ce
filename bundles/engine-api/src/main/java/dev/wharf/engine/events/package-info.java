/**
 * The journal as Docker's event stream. Begin with {@link dev.wharf.engine.events.EventRoutes}.
 */
@NullMarked
package dev.wharf.engine.events;

import org.jspecify.annotations.NullMarked;
