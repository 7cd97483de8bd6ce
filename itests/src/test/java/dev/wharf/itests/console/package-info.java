/** The host as consoles and monitoring see it. */
@NullMarked
package dev.wharf.itests.console;

import org.jspecify.annotations.NullMarked;
