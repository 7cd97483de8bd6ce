/**
 * What a Dockerfile asks for: which stages need which, what each instruction makes of an image's config, and the keys by which
 * its results are found again. Begin with {@link dev.wharf.build.plan.Stages} and {@link dev.wharf.build.plan.Draft}. Pure:
 * no files, no clock, no OSGi.
 */
@NullMarked
package dev.wharf.build.plan;

import org.jspecify.annotations.NullMarked;
