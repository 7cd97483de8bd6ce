/**
 * Networks as Docker's clients see them. Begin with {@link dev.wharf.engine.networks.NetworkRoutes}.
 */
@NullMarked
package dev.wharf.engine.networks;

import org.jspecify.annotations.NullMarked;
