/** Drivers that ought to be turned away, each for a reason of its own; the tests make bundles of them. */
package dev.wharf.itests.swap.candidates;
