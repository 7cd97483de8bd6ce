/**
 * Looks at a host as containers need it, and says how to mend what is not right. Begin with {@link
 * dev.wharf.cli.doctor.Doctor}.
 */
@NullMarked
package dev.wharf.cli.doctor;

import org.jspecify.annotations.NullMarked;
