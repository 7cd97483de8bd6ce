package dev.wharf.oci.layer;

/**
 * What unpacking did.
 *
 * @param entries in the tar
 * @param sizeBytes of file content written, and {@code inodes} made; what was replaced later is counted twice
 * @param replaced whether anything was
 */
public record Unpacked(long entries, long sizeBytes, long inodes, boolean replaced) {}
