/**
 * Hash functions of the system's crypto library. Begin with {@link dev.wharf.linux.hash.LinuxHashing}.
 */
@NullMarked
package dev.wharf.linux.hash;

import org.jspecify.annotations.NullMarked;
