package dev.wharf.oci.layer;

import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;

/**
 * What overlayfs would show of a stack of layers, looked up without mounting them. It is asked about the same few
 * directories over and over, so the way to the last one stays open.
 */
final class Lower implements AutoCloseable {
    /** A directory on the way, and the layers that have a part in it, topmost first. */
    private record Level(String path, List<Dir> parts) {}

    /** What the stack shows, and the directory of the layer that has it. */
    record Found(Dir dir, Node node) {}

    private final List<Dir> roots;
    private final Deque<Level> way = new ArrayDeque<>();

    /** A view of {@code roots}, topmost first, which stay the caller's to close. */
    Lower(List<Dir> roots) {
        this.roots = List.copyOf(roots);
    }

    boolean isEmpty() {
        return roots.isEmpty();
    }

    /** What is at {@code name} in the directory {@code parent}, a path without symbolic links. */
    Optional<Found> find(String parent, String name) throws IOException {
        for (Dir part : parts(parent)) {
            Optional<Node> node = part.look(name);
            if (node.isPresent()) {
                return node.filter(found -> !found.isOverlayWhiteout()).map(found -> new Found(part, found));
            }
        }
        return Optional.empty();
    }

    /** Every name the stack shows in its root. */
    TreeSet<String> namesOfRoot() throws IOException {
        TreeSet<String> names = new TreeSet<>();
        for (Dir root : roots) {
            names.addAll(root.names());
        }
        TreeSet<String> shown = new TreeSet<>();
        for (String name : names) {
            if (find("", name).isPresent()) {
                shown.add(name);
            }
        }
        return shown;
    }

    private List<Dir> parts(String path) throws IOException {
        if (path.isEmpty()) {
            return roots;
        }
        while (!way.isEmpty() && !leadsTo(way.peek().path(), path)) {
            close(way.pop());
        }
        String at = way.isEmpty() ? "" : way.peek().path();
        for (String component : Names.components(path.substring(at.length()))) {
            List<Dir> parts = descend(way.isEmpty() ? roots : way.peek().parts(), component);
            at = Names.join(at, component);
            way.push(new Level(at, parts));
        }
        return way.element().parts();
    }

    private static boolean leadsTo(String level, String path) {
        return path.startsWith(level) && (path.length() == level.length() || path.charAt(level.length()) == '/');
    }

    private static List<Dir> descend(List<Dir> parts, String name) throws IOException {
        List<Dir> deeper = new ArrayList<>();
        for (Dir part : parts) {
            Dir dir;
            try {
                dir = part.enter(name);
            } catch (NoSuchFileException e) {
                continue;
            } catch (NotDirectoryException e) {
                // A whiteout, or a file: either way nothing below it is seen.
                break;
            }
            deeper.add(dir);
            if (Overlay.isOpaque(dir.xattrs("."))) {
                break;
            }
        }
        return deeper;
    }

    private static void close(Level level) {
        level.parts().forEach(Dir::close);
    }

    @Override
    public void close() {
        way.forEach(Lower::close);
        way.clear();
    }
}
