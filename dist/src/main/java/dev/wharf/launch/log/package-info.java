/**
 * The voice of the house: an SLF4J provider that writes one line for each message to standard error. A provider of our
 * own, because it is smaller than the configuration of another would be, and because formatting a date the usual way
 * takes a tenth of the time that a start has. Begin at {@link dev.wharf.launch.log.Logs}.
 */
@NullMarked
package dev.wharf.launch.log;

import org.jspecify.annotations.NullMarked;
