/**
 * What people know of Docker from years of use, checked with its own command line, one class for each theme. All of them share
 * one agent; begin with {@link dev.wharf.itests.conformance.SharedAgent}.
 */
@NullMarked
package dev.wharf.itests.conformance;

import org.jspecify.annotations.NullMarked;
