package dev.wharf.oci.layer;

import java.io.IOException;
import java.util.HashMap;
import java.util.Map;

/** Turns what is in a directory into entries; the second name of a file becomes a hard link to the first. */
final class Links {
    private record Id(long device, long inode) {}

    private final Map<Id, String> first = new HashMap<>();

    /** The item for {@code name} in {@code dir}, to be known as {@code path}. */
    Packer.Item item(Dir dir, String name, String path, Node node, Map<String, byte[]> xattrs) throws IOException {
        String target = node.isSymbolicLink() ? dir.readLink(name) : "";
        Entry entry = Entry.of(path, node, target, Overlay.withoutBooks(xattrs));
        if (!node.isDirectory() && node.links() > 1) {
            String earlier = first.putIfAbsent(new Id(node.device(), node.inode()), path);
            if (earlier != null) {
                return Packer.Item.of(entry.linkTo(earlier));
            }
        }
        return node.isRegular() && node.sizeBytes() > 0
                ? new Packer.Item(entry, () -> dir.read(name))
                : Packer.Item.of(entry);
    }
}
