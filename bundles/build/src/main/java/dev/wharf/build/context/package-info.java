/**
 * The files a build takes from: the client's context, and what COPY and ADD choose of it. Begin with
 * {@link dev.wharf.build.context.Sources}. Knows directories by {@link dev.wharf.oci.layer.Dir} only, so nothing outside of them
 * is ever reached.
 */
@NullMarked
package dev.wharf.build.context;

import org.jspecify.annotations.NullMarked;
