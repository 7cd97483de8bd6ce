package dev.wharf.oci.layer;

import java.io.IOException;
import java.util.Optional;

/** See {@link Deletions#marked}. */
final class MarkedDeletions extends Deletions {
    private final Lower lower;
    private boolean rootIsOpaque;

    MarkedDeletions(Lower lower) {
        this.lower = lower;
    }

    @Override
    boolean apply() {
        return true;
    }

    @Override
    boolean isMark(Node node) {
        return node.isOverlayWhiteout();
    }

    @Override
    Optional<Lower.Found> below(String parent, String name) throws IOException {
        return lower.find(parent, name);
    }

    @Override
    void brought(String path) {}

    /** In a directory without a lower part overlayfs lists a mark as a file that cannot be read, hence the question. */
    @Override
    void whiteout(Dir dir, String parent, String name) throws IOException {
        Optional<Lower.Found> hidden = lower.find(parent, name);
        if (hidden.isEmpty()) {
            return;
        }
        Optional<Node> own = dir.look(name);
        if (own.isEmpty()) {
            dir.makeNode(name, Node.CHARACTER_DEVICE, 0, 0);
        } else if (own.get().isDirectory()) {
            hideBelow(dir, name);
        }
    }

    @Override
    void opaque(Dir dir, String path) throws IOException {
        if (path.isEmpty()) {
            rootIsOpaque = true;
            return;
        }
        int slash = path.lastIndexOf('/');
        String parent = slash < 0 ? "" : path.substring(0, slash);
        if (lower.find(parent, path.substring(slash + 1))
                .filter(found -> found.node().isDirectory())
                .isPresent()) {
            hideBelow(dir, ".");
        }
    }

    @Override
    void hideBelow(Dir dir, String name) throws IOException {
        if (!lower.isEmpty()) {
            dir.setXattr(name, Overlay.OPAQUE, Overlay.yes());
        }
    }

    /** Overlayfs does not ask whether a layer's root is opaque, so each name in it is hidden for itself. */
    @Override
    void finish(Dir root) throws IOException {
        if (rootIsOpaque) {
            for (String name : lower.namesOfRoot()) {
                whiteout(root, "", name);
            }
        }
    }

    @Override
    public void close() {
        lower.close();
    }
}
