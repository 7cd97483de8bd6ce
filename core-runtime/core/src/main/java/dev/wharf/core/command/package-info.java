/**
 * Every wish the house understands. Begin with {@link dev.wharf.core.command.Command}.
 */
@NullMarked
@Version("1.0.0")
package dev.wharf.core.command;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.versioning.Version;
