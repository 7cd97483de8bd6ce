/**
 * HTTP over unix sockets, shaped for the Engine API: routes, versions, streams with back-pressure, and connections taken over
 * raw. It knows how Docker's clients speak but nothing of containers. Begin with {@link dev.wharf.engine.http.Routes}.
 */
@NullMarked
package dev.wharf.engine.http;

import org.jspecify.annotations.NullMarked;
