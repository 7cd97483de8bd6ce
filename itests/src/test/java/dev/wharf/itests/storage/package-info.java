/** Storage drivers side by side, and moving between them, on whole agents. */
@NullMarked
package dev.wharf.itests.storage;

import org.jspecify.annotations.NullMarked;
