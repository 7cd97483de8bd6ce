package dev.wharf.oci.layer;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.Map;
import java.util.Optional;

/** Walks one tree: everything in it, or, for an upper directory of overlayfs, the changes that it stands for. */
final class TreeWalk implements Packer.Walk {
    /** No program can name what lies deeper (PATH_MAX), and one descriptor is held per level. */
    static final int DEEPEST = 2048;

    private record Frame(Dir dir, String path, Iterator<String> names) {}

    private final Dir root;
    private final Optional<Dir> below;
    private final boolean upper;
    private final String as;
    private final Links links = new Links();
    private final Deque<Frame> frames = new ArrayDeque<>();
    private final Deque<Packer.Item> ready = new ArrayDeque<>();
    private boolean begun;

    TreeWalk(Dir root, Optional<Dir> below, boolean upper) {
        this(root, below, upper, "");
    }

    /** @param as what the root is called; empty leaves it out, so that names begin with what is in it */
    TreeWalk(Dir root, Optional<Dir> below, boolean upper, String as) {
        this.as = as;
        this.root = root;
        this.below = below;
        this.upper = upper;
    }

    @Override
    public Optional<Packer.Item> next() throws IOException {
        if (!begun) {
            begun = true;
            begin();
        }
        while (ready.isEmpty() && !frames.isEmpty()) {
            Frame frame = frames.element();
            if (frame.names().hasNext()) {
                visit(frame, frame.names().next());
            } else {
                frames.pop().dir().close();
            }
        }
        return Optional.ofNullable(ready.poll());
    }

    private void begin() throws IOException {
        frames.push(new Frame(root, as, root.names().iterator()));
        Node node = root.look(".").orElseThrow();
        if (upper ? tellsOfRoot(node) : !as.isEmpty()) {
            String name = upper ? "." : as.equals("/") ? "" : as;
            ready.add(links.item(root, ".", name, node, root.xattrs(".")));
        }
    }

    /** A root like the one below, or like any new one, goes without saying. */
    private boolean tellsOfRoot(Node node) throws IOException {
        if (below.isPresent()) {
            return !Sameness.ofDirectories(below.get(), root);
        }
        return node.permissions() != 0755
                || node.uid() != 0
                || node.gid() != 0
                || !Overlay.withoutBooks(root.xattrs(".")).isEmpty();
    }

    private void visit(Frame frame, String name) throws IOException {
        Dir dir = frame.dir();
        Optional<Node> looked = dir.look(name);
        if (looked.isEmpty() || looked.get().isSocket()) {
            return;
        }
        Node node = looked.get();
        if (upper && node.isOverlayWhiteout()) {
            ready.add(Packer.Item.of(Entry.marker(Names.join(frame.path(), Whiteouts.PREFIX + name))));
            return;
        }
        if (upper && name.startsWith(Whiteouts.PREFIX)) {
            // A layer has no way to say that this is a name and not a whiteout.
            return;
        }
        String path = frame.path().equals("/") ? "/" + name : Names.join(frame.path(), name);
        Map<String, byte[]> xattrs = dir.xattrs(name);
        ready.add(links.item(dir, name, path, node, xattrs));
        if (!node.isDirectory()) {
            return;
        }
        if (upper && Overlay.isOpaque(xattrs)) {
            ready.add(Packer.Item.of(Entry.marker(Names.join(path, Whiteouts.OPAQUE))));
        }
        if (frames.size() >= DEEPEST) {
            throw new IOException("\"" + Names.show(path) + "\" lies too deep to be packed");
        }
        Dir deeper = dir.enter(name);
        frames.push(new Frame(deeper, path, deeper.names().iterator()));
    }

    @Override
    public void close() {
        frames.forEach(frame -> frame.dir().close());
        frames.clear();
        root.close();
        below.ifPresent(Dir::close);
    }
}
