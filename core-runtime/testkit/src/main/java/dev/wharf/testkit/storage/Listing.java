package dev.wharf.testkit.storage;

import dev.wharf.model.Digest;
import dev.wharf.oci.layer.Dir;
import dev.wharf.oci.layer.Names;
import dev.wharf.oci.layer.Node;
import java.io.IOException;
import java.io.InputStream;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;

/** Everything there is to see of a tree, as text to compare: kinds, modes, owners, times, contents, links, attributes. */
public final class Listing {
    private final boolean times;
    private final Map<String, String> lines = new TreeMap<>();
    private final Map<Long, String> linked = new HashMap<>();

    private Listing(boolean times) {
        this.times = times;
    }

    /** Lists {@code root} and everything in it, by path. */
    public static Map<String, String> of(Dir root) throws IOException {
        return new Listing(true).list(root);
    }

    /** The same without times, for trees in which something was done. */
    public static Map<String, String> timeless(Dir root) throws IOException {
        return new Listing(false).list(root);
    }

    private Map<String, String> list(Dir root) throws IOException {
        lines.put(".", describe(root, ".", ".", root.look(".").orElseThrow()));
        walk(root, "");
        return lines;
    }

    private void walk(Dir dir, String path) throws IOException {
        for (String name : dir.names()) {
            Node node = dir.look(name).orElseThrow();
            String at = path.isEmpty() ? name : path + "/" + name;
            lines.put(Names.show(at), describe(dir, name, at, node));
            if (node.isDirectory()) {
                try (Dir deeper = dir.enter(name)) {
                    walk(deeper, at);
                }
            }
        }
    }

    private String describe(Dir dir, String name, String at, Node node) throws IOException {
        StringBuilder line = new StringBuilder();
        line.append(Integer.toOctalString(node.mode())).append(' ');
        line.append(node.uid()).append(':').append(node.gid());
        if (node.isRegular()) {
            line.append(" size=").append(node.sizeBytes());
            line.append(" content=").append(content(dir, name));
        }
        if (node.isSymbolicLink()) {
            line.append(" -> ").append(Names.show(dir.readLink(name)));
        }
        if (node.major() != 0 || node.minor() != 0) {
            line.append(" device=").append(node.major()).append(':').append(node.minor());
        }
        if (times) {
            line.append(" time=").append(node.modifiedSeconds()).append('.').append(node.modifiedNanos());
        }
        if (!node.isDirectory() && node.links() > 1) {
            line.append(" same=").append(linked.computeIfAbsent(node.inode(), inode -> at));
        }
        new TreeMap<>(dir.xattrs(name)).forEach((key, value) -> {
            // What overlayfs notes for itself is no part of the tree.
            if (!key.startsWith("trusted.overlay.")) {
                line.append(' ').append(key).append('=').append(HexFormat.of().formatHex(value));
            }
        });
        return line.toString();
    }

    private static String content(Dir dir, String name) throws IOException {
        try (InputStream in = dir.read(name)) {
            return Digest.sha256(in.readAllBytes()).hex().substring(0, 12);
        }
    }
}
