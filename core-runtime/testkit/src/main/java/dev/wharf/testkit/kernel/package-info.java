/**
 * What the kernel port promises, as tests that every implementation inherits.
 */
@NullMarked
package dev.wharf.testkit.kernel;

import org.jspecify.annotations.NullMarked;
