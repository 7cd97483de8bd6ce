/**
 * File system calls that Java lacks. Begin with {@link dev.wharf.linux.file.LinuxFileCalls}.
 */
@NullMarked
package dev.wharf.linux.file;

import org.jspecify.annotations.NullMarked;
