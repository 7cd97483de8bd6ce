package dev.wharf.oci.layer;

/**
 * What lstat(2) says of a file.
 *
 * @param mode type and permission bits
 * @param major of a device, as {@code minor}; 0 for all else
 */
public record Node(
        long device,
        long inode,
        int mode,
        long links,
        long uid,
        long gid,
        int major,
        int minor,
        long sizeBytes,
        long modifiedSeconds,
        int modifiedNanos) {
    static final int TYPE = 0170000;
    static final int FIFO = 0010000;
    static final int CHARACTER_DEVICE = 0020000;
    static final int DIRECTORY = 0040000;
    static final int BLOCK_DEVICE = 0060000;
    static final int REGULAR = 0100000;
    static final int SYMBOLIC_LINK = 0120000;
    static final int SOCKET = 0140000;

    public boolean isDirectory() {
        return (mode & TYPE) == DIRECTORY;
    }

    public boolean isRegular() {
        return (mode & TYPE) == REGULAR;
    }

    public boolean isSymbolicLink() {
        return (mode & TYPE) == SYMBOLIC_LINK;
    }

    /** How many bytes are kept in it: what a file holds, or the way that a symbolic link names. */
    public long contentBytes() {
        return isRegular() || isSymbolicLink() ? sizeBytes : 0;
    }

    public boolean isSocket() {
        return (mode & TYPE) == SOCKET;
    }

    /** Whether overlayfs takes this for the mark of a deleted name: a character device 0/0. */
    public boolean isOverlayWhiteout() {
        return (mode & TYPE) == CHARACTER_DEVICE && major == 0 && minor == 0;
    }

    /** The twelve permission bits. */
    public int permissions() {
        return mode & 07777;
    }
}
