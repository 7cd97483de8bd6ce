/**
 * Filters of system calls, compiled by libseccomp. Begin with {@link dev.wharf.linux.seccomp.LinuxSystemCallFilters}.
 */
@NullMarked
package dev.wharf.linux.seccomp;

import org.jspecify.annotations.NullMarked;
