/**
 * Wharf's own part of the REST API, under {@code /wharf/v1}: the journal, the host as it was, and why things stand as they
 * stand. Begin with {@link dev.wharf.engine.journal.WharfRoutes}.
 */
@NullMarked
package dev.wharf.engine.journal;

import org.jspecify.annotations.NullMarked;
