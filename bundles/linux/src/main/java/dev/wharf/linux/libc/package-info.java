/**
 * The C library as Java sees it. {@link dev.wharf.linux.libc.LibC} names the functions, {@link dev.wharf.linux.libc.Errno}
 * turns their errors into exceptions that a Java reader knows.
 */
@NullMarked
package dev.wharf.linux.libc;

import org.jspecify.annotations.NullMarked;
