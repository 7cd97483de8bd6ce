/**
 * The host as it stands, one immutable value. Begin with {@link dev.wharf.core.state.Host}.
 */
@NullMarked
@Version("1.0.0")
package dev.wharf.core.state;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.versioning.Version;
