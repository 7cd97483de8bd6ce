/** Checks the HTTP server over real unix sockets, byte by byte where it matters. */
@NullMarked
package dev.wharf.engine.http;

import org.jspecify.annotations.NullMarked;
