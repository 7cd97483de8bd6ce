/**
 * The bundles of the distribution in a framework, looked at from inside: they resolve, their components are satisfied, and
 * drivers come and go. Tests here run within the framework, sent there by {@link dev.wharf.itests.osgi.InsideFelix}.
 */
@NullMarked
package dev.wharf.itests.osgi;

import org.jspecify.annotations.NullMarked;
