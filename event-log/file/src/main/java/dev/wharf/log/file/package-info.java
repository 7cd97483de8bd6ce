/**
 * The journal in plain files: the reference that the other journals are measured by. Begin with
 * {@link dev.wharf.log.file.FileLog}.
 */
@NullMarked
package dev.wharf.log.file;

import org.jspecify.annotations.NullMarked;
