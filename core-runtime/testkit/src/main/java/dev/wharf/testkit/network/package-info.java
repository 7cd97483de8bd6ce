/**
 * What the port to network modes promises, as tests that every driver inherits.
 */
@NullMarked
package dev.wharf.testkit.network;

import org.jspecify.annotations.NullMarked;
