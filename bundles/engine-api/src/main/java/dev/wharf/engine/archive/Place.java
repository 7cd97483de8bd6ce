package dev.wharf.engine.archive;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.engine.json.Json;
import dev.wharf.oci.layer.Dir;
import dev.wharf.oci.layer.Names;
import dev.wharf.oci.layer.Node;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/**
 * A path of a container that was found: everything on the way was followed, the last name was not, unless the path says by a
 * slash or a dot at its end that it is a directory.
 *
 * @param path cleaned, with such an end kept
 * @param name the last component in {@code dir}, or {@code "."}
 */
record Place(String path, Dir dir, String name, Node node) implements AutoCloseable {
    /** As many links as one path may lead through. */
    private static final int MOST_LINKS = 255;

    static Place find(Dir root, String asked) throws IOException {
        String path = clean(asked);
        if (path.equals("/") || path.endsWith("/") || path.endsWith("/.")) {
            return found(path, root.resolve(path), ".");
        }
        int slash = path.lastIndexOf('/');
        return found(path, root.resolve(path.substring(0, slash + 1)), path.substring(slash + 1));
    }

    private static Place found(String path, Dir dir, String name) throws IOException {
        try {
            return new Place(path, dir, name, dir.look(name).orElseThrow(() -> new NoSuchFileException(path)));
        } catch (IOException e) {
            dir.close();
            throw e;
        }
    }

    /** The path from the root, with dots taken out of it as they are written, but an end that means a directory kept. */
    static String clean(String asked) {
        List<String> path = new ArrayList<>();
        for (String component : Names.components(asked)) {
            if (!component.equals("..")) {
                path.add(component);
            } else if (!path.isEmpty()) {
                path.remove(path.size() - 1);
            }
        }
        String clean = "/" + String.join("/", path);
        String bare = asked.replaceFirst("/+$", "");
        if (bare.equals(".") || bare.endsWith("/.")) {
            return clean.equals("/") ? "/." : clean + "/.";
        }
        return asked.endsWith("/") && !clean.equals("/") ? clean + "/" : clean;
    }

    /** The last word of the path, as the client calls it. */
    String base() {
        if (path.equals("/")) {
            return path;
        }
        String bare = path.endsWith("/") ? path.substring(0, path.length() - 1) : path;
        return bare.substring(bare.lastIndexOf('/') + 1);
    }

    /** The value of {@code X-Docker-Container-Path-Stat}. */
    String stat(Dir root) throws IOException {
        ObjectNode stat = Json.object()
                .put("name", base())
                .put("size", node.sizeBytes())
                .put("mode", goMode(node.mode()))
                .put(
                        "mtime",
                        Instant.ofEpochSecond(node.modifiedSeconds(), node.modifiedNanos())
                                .toString())
                .put("linkTarget", node.isSymbolicLink() ? target(root) : "");
        return Base64.getEncoder().encodeToString(Json.bytes(stat));
    }

    /** Where the link leads in the end, as far as there is anything. */
    private String target(Dir root) throws IOException {
        String at = pathIn(root, dir);
        String link = dir.readLink(name);
        for (int links = 0; links < MOST_LINKS; links++) {
            String next = clean(link.startsWith("/") ? link : at + "/" + link);
            int slash = next.lastIndexOf('/');
            try (Dir parent = root.resolve(next.substring(0, slash + 1))) {
                String last = next.substring(slash + 1);
                at = pathIn(root, parent);
                if (last.isEmpty()) {
                    return at.isEmpty() ? "/" : at;
                }
                if (parent.look(last).filter(Node::isSymbolicLink).isEmpty()) {
                    return at + "/" + last;
                }
                link = parent.readLink(last);
            } catch (FileSystemException e) {
                return next;
            }
        }
        return link;
    }

    /** The path of an open directory without symbolic links; empty for the root itself. */
    static String pathIn(Dir root, Dir dir) throws IOException {
        String top = root.path();
        String path = dir.path();
        if (path.equals(top)) {
            return "";
        }
        return top.equals("/") ? path : path.substring(top.length());
    }

    /** The mode as Go spells it, which keeps the kind of a file in other bits than the kernel does. */
    static long goMode(int mode) {
        long go = mode & 0777;
        go |= switch (mode & 0170000) {
            case 0040000 -> 1L << 31;
            case 0120000 -> 1L << 27;
            case 0060000 -> 1L << 26;
            case 0020000 -> 1L << 26 | 1L << 21;
            case 0010000 -> 1L << 25;
            case 0140000 -> 1L << 24;
            default -> 0L;
        };
        go |= (mode & 04000) != 0 ? 1L << 23 : 0;
        go |= (mode & 02000) != 0 ? 1L << 22 : 0;
        return go | ((mode & 01000) != 0 ? 1L << 20 : 0);
    }

    @Override
    public void close() {
        dir.close();
    }
}
