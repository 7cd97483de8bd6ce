/**
 * Everything that can happen, seven sealed families. Begin with {@link dev.wharf.core.event.Event}.
 */
@NullMarked
@Version("1.0.0")
package dev.wharf.core.event;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.versioning.Version;
