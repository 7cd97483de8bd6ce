package dev.wharf.oci.layer;

/**
 * How much a tar may ask for.
 *
 * @param entries how many entries
 * @param sizeBytes how much file content in all
 * @param pathBytes how long a name or a link's target
 * @param depth how many components in a name
 * @param headerBytes how large the extended header of one entry, names and attributes together
 * @param xattrBytes how large one extended attribute; the kernel itself takes no more than 64 KiB (xattr(7))
 */
public record Limits(long entries, long sizeBytes, int pathBytes, int depth, int headerBytes, int xattrBytes) {
    /** Generous to every honest image. */
    public static final Limits DEFAULT = new Limits(1_000_000, 256L << 30, 4096, 512, 1 << 20, 64 << 10);

    public Limits withEntries(long value) {
        return new Limits(value, sizeBytes, pathBytes, depth, headerBytes, xattrBytes);
    }

    public Limits withSizeBytes(long value) {
        return new Limits(entries, value, pathBytes, depth, headerBytes, xattrBytes);
    }
}
