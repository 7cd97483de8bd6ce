/**
 * The door of the house: every front comes in here. Begin with {@link dev.wharf.core.agent.Agent}.
 */
@NullMarked
@Version("1.0.0")
package dev.wharf.core.agent;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.versioning.Version;
