/**
 * Dockerfiles as data: what a file says, without knowing what it means to do it. Begin with
 * {@link dev.wharf.build.dockerfile.Dockerfile#parse}. Pure: no files, no clock, no OSGi.
 */
@NullMarked
package dev.wharf.build.dockerfile;

import org.jspecify.annotations.NullMarked;
