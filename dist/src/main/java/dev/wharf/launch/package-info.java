/**
 * The launcher: turns {@code wharfd}'s options into framework properties, claims the roots for this process alone, and
 * starts the OSGi framework that everything else runs in. It is not a bundle and knows none; what is started, and when,
 * is said by the folders under {@code bundles/}. Begin at {@link dev.wharf.launch.Wharfd}.
 */
@NullMarked
package dev.wharf.launch;

import org.jspecify.annotations.NullMarked;
