/**
 * Records of bytes that survive: an envelope that proves a record whole, the scan that finds whole records in whatever a
 * crash left, and the rules by which a log is opened again. Both journals stand on it and differ only in how bytes reach
 * the disk. Begin with {@link dev.wharf.log.codec.record.RecordLog}.
 */
@NullMarked
@Version("1.0.0")
package dev.wharf.log.codec.record;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.versioning.Version;
