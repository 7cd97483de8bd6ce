package dev.wharf.storage.erofs;

import dev.wharf.oci.layer.Names;
import dev.wharf.oci.layer.Node;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

/** A file of an image that is being written. The unpacking thread owns it. */
final class Inode {
    static final long NOWHERE = -1;

    final long number;
    int mode;
    long uid;
    long gid;
    long links = 1;
    final int major;
    final int minor;
    long modifiedSeconds;
    int modifiedNanos;
    /** Most files have none, and there may be a hundred thousand of them. */
    Map<String, byte[]> xattrs = Map.of();

    /** Of a directory. */
    final Map<String, Inode> children;

    /** Of a directory; the root is its own. */
    Inode parent = this;

    /** Of the content; a directory's is known when its image is finished. */
    long sizeBytes;
    /** Where content lies that has blocks of its own. */
    long dataAt = NOWHERE;
    /** Where little content waits for its inode, see {@link ImageWriter}. */
    long waitsAt = NOWHERE;

    /** A symbolic link's target. */
    byte[] target = {};
    /** Where it is written; decided last. */
    long at = NOWHERE;

    boolean inline;

    Inode(long number, int mode, int major, int minor, long seconds) {
        this.number = number;
        this.mode = mode;
        this.major = major;
        this.minor = minor;
        this.modifiedSeconds = seconds;
        this.children = isDirectory() ? new LinkedHashMap<>() : Map.of();
    }

    boolean isDirectory() {
        return (mode & Format.TYPE) == Format.DIRECTORY;
    }

    boolean isRegular() {
        return (mode & Format.TYPE) == Format.REGULAR;
    }

    boolean isSymbolicLink() {
        return (mode & Format.TYPE) == Format.SYMBOLIC_LINK;
    }

    Node node(long device) {
        long size = isSymbolicLink() ? target.length : sizeBytes;
        return new Node(device, number, mode, links, uid, gid, major, minor, size, modifiedSeconds, modifiedNanos);
    }

    void setXattr(String name, byte[] value) {
        xattrs = xattrs.isEmpty() ? new TreeMap<>() : xattrs;
        xattrs.put(name, value.clone());
    }

    /** The bytes of all extended attributes with their header; 0 for none. */
    int xattrBytes() {
        if (xattrs.isEmpty()) {
            return 0;
        }
        int bytes = Format.XATTR_HEADER_BYTES;
        for (Map.Entry<String, byte[]> xattr : xattrs.entrySet()) {
            bytes += xattrEntryBytes(xattr.getKey(), xattr.getValue());
        }
        return bytes;
    }

    static int xattrEntryBytes(String name, byte[] value) {
        String rest = Format.xattrName(name).orElseThrow().rest();
        return (int) Format.up(Format.XATTR_ENTRY_BYTES + Names.encode(rest).length + value.length, 4);
    }
}
