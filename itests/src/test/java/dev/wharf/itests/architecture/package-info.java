/** Holds the house to its plan: who may import whom, and what every package owes its reader. */
@NullMarked
package dev.wharf.itests.architecture;

import org.jspecify.annotations.NullMarked;
