/**
 * The port to the record of everything that happened. Begin with {@link dev.wharf.core.journal.EventJournal}.
 */
@NullMarked
@Version("1.0.0")
package dev.wharf.core.journal;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.versioning.Version;
