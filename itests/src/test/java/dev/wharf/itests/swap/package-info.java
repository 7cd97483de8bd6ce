/**
 * Drivers replaced under load, candidates that are broken in every way there is, and what an author of plugins does. Begin with
 * {@link dev.wharf.itests.swap.SwapUnderLoadIT}.
 */
package dev.wharf.itests.swap;
