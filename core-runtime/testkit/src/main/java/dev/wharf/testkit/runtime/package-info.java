/**
 * The promises of the runtime port, one test per sentence. A runtime driver's test extends {@link
 * dev.wharf.testkit.runtime.OciRuntimeContract}.
 */
@NullMarked
package dev.wharf.testkit.runtime;

import org.jspecify.annotations.NullMarked;
