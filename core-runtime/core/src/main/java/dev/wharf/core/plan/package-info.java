/**
 * What should happen next, and how it is done. Begin with {@link dev.wharf.core.plan.Plan}.
 */
@NullMarked
@Version("1.0.0")
package dev.wharf.core.plan;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.versioning.Version;
