/**
 * The kernel port: mounts, sandboxes, volumes. Begin with {@link dev.wharf.linux.kernel.LinuxKernel}.
 */
@NullMarked
package dev.wharf.linux.kernel;

import org.jspecify.annotations.NullMarked;
