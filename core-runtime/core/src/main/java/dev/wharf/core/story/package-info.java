/**
 * The host and its journal in plain words, for every front that speaks to people. Begin with {@link
 * dev.wharf.core.story.Story}, which tells an event, and {@link dev.wharf.core.story.Portrait}, which shows a subject.
 */
@NullMarked
@Version("1.0.0")
package dev.wharf.core.story;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.versioning.Version;
