/** Tests of what is told of the host. */
@NullMarked
package dev.wharf.engine.system;

import org.jspecify.annotations.NullMarked;
