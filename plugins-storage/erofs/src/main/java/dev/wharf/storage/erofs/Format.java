package dev.wharf.storage.erofs;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The part of erofs's format that is used here: blocks of 4 KiB, nothing compressed, every inode of the extended kind, and
 * content either in blocks of its own or right behind its inode.
 */
final class Format {
    static final int BLOCK = 4096;
    static final int BLOCK_BITS = 12;

    static final int SUPERBLOCK_AT = 1024;
    static final int SUPERBLOCK_BYTES = 128;
    static final int MAGIC = 0xe0f5e1e2;

    /** Inodes are numbered by their place: the number times this, from the first block of metadata. */
    static final int SLOT = 32;

    static final int INODE_BYTES = 64;
    /** Bit 0 of an inode's format says that it is extended, the next three where its content lies. */
    static final int EXTENDED_PLAIN = 1;

    static final int EXTENDED_INLINE = 1 | 2 << 1;

    static final int XATTR_HEADER_BYTES = 12;
    static final int XATTR_ENTRY_BYTES = 4;
    static final int MOST_XATTR_BYTES = XATTR_HEADER_BYTES + 4 * 0xfffe;

    static final int DIRENT_BYTES = 12;

    static final int TYPE = 0170000;
    static final int FIFO = 0010000;
    static final int CHARACTER_DEVICE = 0020000;
    static final int DIRECTORY = 0040000;
    static final int BLOCK_DEVICE = 0060000;
    static final int REGULAR = 0100000;
    static final int SYMBOLIC_LINK = 0120000;
    static final int SOCKET = 0140000;

    /** What the first letters of an attribute's name are written as; a whole name comes before its beginning. */
    private static final Map<String, Integer> PREFIXES = new LinkedHashMap<>();

    static {
        PREFIXES.put("system.posix_acl_access", 2);
        PREFIXES.put("system.posix_acl_default", 3);
        PREFIXES.put("user.", 1);
        PREFIXES.put("trusted.", 4);
        PREFIXES.put("security.", 6);
    }

    private Format() {}

    /** A name of an extended attribute, taken apart. */
    record XattrName(int index, String rest) {}

    /** Empty for attributes that erofs cannot keep. */
    static Optional<XattrName> xattrName(String name) {
        return PREFIXES.entrySet().stream()
                .filter(p -> p.getKey().endsWith(".") ? name.startsWith(p.getKey()) : name.equals(p.getKey()))
                .map(p -> new XattrName(p.getValue(), name.substring(p.getKey().length())))
                .findFirst();
    }

    static Optional<String> xattrPrefix(int index) {
        return PREFIXES.entrySet().stream()
                .filter(p -> p.getValue() == index)
                .map(Map.Entry::getKey)
                .findFirst();
    }

    /** The kind of a file as its directory tells it. */
    static int fileType(int mode) {
        return switch (mode & TYPE) {
            case REGULAR -> 1;
            case DIRECTORY -> 2;
            case CHARACTER_DEVICE -> 3;
            case BLOCK_DEVICE -> 4;
            case FIFO -> 5;
            case SOCKET -> 6;
            case SYMBOLIC_LINK -> 7;
            default -> 0;
        };
    }

    /** A device's numbers in 32 bits, as the kernel has them on disk. */
    static int device(int major, int minor) {
        return (minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12);
    }

    static int major(int device) {
        return (device >>> 8) & 0xfff;
    }

    static int minor(int device) {
        return (device & 0xff) | ((device >>> 12) & ~0xff);
    }

    static long up(long value, long unit) {
        return (value + unit - 1) / unit * unit;
    }
}
