/**
 * Images for tests, made on this machine from Debian packages, and a registry on loopback that serves them. Begin with {@link
 * dev.wharf.itests.images.Images}.
 */
@NullMarked
package dev.wharf.itests.images;

import org.jspecify.annotations.NullMarked;
