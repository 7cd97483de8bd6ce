/** Tests of copies. */
@NullMarked
package dev.wharf.engine.archive;

import org.jspecify.annotations.NullMarked;
