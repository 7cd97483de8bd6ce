package dev.wharf.oci.layer;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * One entry of a tar.
 *
 * @param name as written in the tar, spelled as {@link Names} says
 * @param target where a link leads; empty for all else
 * @param mode the twelve permission bits
 * @param sizeBytes of a file's content, holes included
 * @param major of a device, as {@code minor}
 * @param xattrs extended attributes by their full names
 */
public record Entry(
        Kind kind,
        String name,
        String target,
        int mode,
        long uid,
        long gid,
        long sizeBytes,
        long modifiedSeconds,
        int modifiedNanos,
        int major,
        int minor,
        Map<String, byte[]> xattrs) {
    /** The kinds of files a layer may hold; sockets are none. */
    public enum Kind {
        FILE(Node.REGULAR, '0'),
        HARD_LINK(Node.REGULAR, '1'),
        SYMBOLIC_LINK(Node.SYMBOLIC_LINK, '2'),
        CHARACTER_DEVICE(Node.CHARACTER_DEVICE, '3'),
        BLOCK_DEVICE(Node.BLOCK_DEVICE, '4'),
        DIRECTORY(Node.DIRECTORY, '5'),
        FIFO(Node.FIFO, '6');

        final int type;
        final char flag;

        Kind(int type, char flag) {
            this.type = type;
            this.flag = flag;
        }
    }

    public Entry {
        xattrs = xattrs.isEmpty() ? Map.of() : Collections.unmodifiableMap(new TreeMap<>(xattrs));
    }

    boolean isDirectory() {
        return kind == Kind.DIRECTORY;
    }

    /** An empty file that root owns and nobody may touch, as whiteouts are. */
    static Entry marker(String name) {
        return new Entry(Kind.FILE, name, "", 0, 0, 0, 0, 0, 0, 0, 0, Map.of());
    }

    /** The entry for a node; {@code target} for a symbolic link. */
    static Entry of(String name, Node node, String target, Map<String, byte[]> xattrs) {
        Kind kind = switch (node.mode() & Node.TYPE) {
            case Node.DIRECTORY -> Kind.DIRECTORY;
            case Node.SYMBOLIC_LINK -> Kind.SYMBOLIC_LINK;
            case Node.CHARACTER_DEVICE -> Kind.CHARACTER_DEVICE;
            case Node.BLOCK_DEVICE -> Kind.BLOCK_DEVICE;
            case Node.FIFO -> Kind.FIFO;
            default -> Kind.FILE;
        };
        return new Entry(
                kind,
                kind == Kind.DIRECTORY ? name + "/" : name,
                target,
                node.permissions(),
                node.uid(),
                node.gid(),
                kind == Kind.FILE ? node.sizeBytes() : 0,
                node.modifiedSeconds(),
                node.modifiedNanos(),
                node.major(),
                node.minor(),
                xattrs);
    }

    /** The same as another name of {@code first}, which came earlier. */
    Entry linkTo(String first) {
        return new Entry(
                Kind.HARD_LINK, name, first, mode, uid, gid, 0, modifiedSeconds, modifiedNanos, 0, 0, Map.of());
    }
}
