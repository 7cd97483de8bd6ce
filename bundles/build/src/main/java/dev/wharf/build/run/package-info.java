/**
 * Builds: stages run side by side, steps become layers by containers of this engine, and what was done before is found again.
 * Begin with {@link dev.wharf.build.run.Build}. Comes in through {@link dev.wharf.core.agent.Agent} like every front.
 */
@NullMarked
package dev.wharf.build.run;

import org.jspecify.annotations.NullMarked;
