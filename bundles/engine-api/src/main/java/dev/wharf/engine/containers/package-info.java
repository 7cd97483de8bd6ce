/**
 * Containers as Docker's clients see them. Begin with {@link dev.wharf.engine.containers.ContainerRoutes} for what can be
 * asked, and {@link dev.wharf.engine.containers.Creation} for how a request becomes a specification.
 */
@NullMarked
package dev.wharf.engine.containers;

import org.jspecify.annotations.NullMarked;
