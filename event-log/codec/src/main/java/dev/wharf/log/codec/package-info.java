/**
 * What happened, as JSON: the one place that knows how events look when they are stored or sent, and how they looked before.
 * Begin with {@link dev.wharf.log.codec.EventCodec}.
 */
@NullMarked
@Version("1.0.0")
package dev.wharf.log.codec;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.versioning.Version;
