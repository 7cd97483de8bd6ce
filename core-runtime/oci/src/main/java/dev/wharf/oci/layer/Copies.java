package dev.wharf.oci.layer;

import java.io.IOException;
import java.util.Map;

/** Copies single files with everything that belongs to them: owner, mode, times, extended attributes. */
final class Copies {
    private Copies() {}

    /** Copies one file that is no directory. */
    static void copy(Dir from, String name, Node node, Dir to, String added) throws IOException {
        if (node.isRegular()) {
            from.copyContent(name, to, added);
        } else if (node.isSymbolicLink()) {
            to.symlink(added, from.readLink(name));
        } else {
            to.makeNode(added, node.mode() & Node.TYPE, node.major(), node.minor());
        }
        dress(from, name, node, to, added);
    }

    /** Gives {@code added} the owner, mode, times and attributes of {@code name}, but none of overlayfs's books. */
    static void dress(Dir from, String name, Node node, Dir to, String added) throws IOException {
        to.chown(added, node.uid(), node.gid());
        for (Map.Entry<String, byte[]> xattr :
                Overlay.withoutBooks(from.xattrs(name)).entrySet()) {
            to.setXattr(added, xattr.getKey(), xattr.getValue());
        }
        if (!node.isSymbolicLink()) {
            to.chmod(added, node.permissions());
        }
        to.setTimes(added, node.modifiedSeconds(), node.modifiedNanos());
    }
}
