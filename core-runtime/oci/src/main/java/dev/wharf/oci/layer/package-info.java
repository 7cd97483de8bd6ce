/**
 * Layer tars, read onto a directory and written from one. {@link dev.wharf.oci.layer.Unpacker} is the only unpacker of the
 * house: layers, loads, imports and copies into containers go through it, so it is the one place that has to withstand
 * hostile tars. {@link dev.wharf.oci.layer.Packer} goes the other way. Both reach the disk through
 * {@link dev.wharf.oci.layer.Tree}, which the Linux bundle implements with calls that no symbolic link can lead astray.
 */
@NullMarked
@Version("1.0.0")
package dev.wharf.oci.layer;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.versioning.Version;
