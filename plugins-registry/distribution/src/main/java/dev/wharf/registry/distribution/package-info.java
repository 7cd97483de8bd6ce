/**
 * Images from registries that speak the OCI distribution protocol. A registry is a stranger: what it sends is bounded and
 * checked, and what it is told about us stays with the one origin it is meant for. Begin with
 * {@link dev.wharf.registry.distribution.DistributionBackend}.
 */
@NullMarked
package dev.wharf.registry.distribution;

import org.jspecify.annotations.NullMarked;
