/** Registry backends on an agent that runs, and the settings that choose among them. */
@NullMarked
package dev.wharf.itests.registries;

import org.jspecify.annotations.NullMarked;
