package dev.wharf.storage.overlay;

import dev.wharf.oci.layer.Dir;
import dev.wharf.oci.layer.Node;
import dev.wharf.oci.layer.Tree;
import dev.wharf.spi.Driver.Readiness;
import dev.wharf.spi.kernel.MountCalls;
import dev.wharf.storage.shelves.OverlayOptions;
import dev.wharf.storage.shelves.Shelf;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/** Tries overlayfs where the snapshots are to be, in the small: whether it mounts, hides what is deleted, and is opaque. */
final class Probe {
    private final Path root;
    private final Shelf shelf;
    private final Tree tree;
    private final MountCalls mounts;

    Probe(Path root, Shelf shelf, Tree tree, MountCalls mounts) {
        this.root = root;
        this.shelf = shelf;
        this.tree = tree;
        this.mounts = mounts;
    }

    Readiness run() {
        if (root.toString().indexOf(',') >= 0 || root.toString().indexOf(':') >= 0) {
            return Readiness.no("overlayfs cannot be told of " + root + ": its path has a comma or a colon");
        }
        Path begun;
        try {
            shelf.prepareRoot();
            begun = shelf.begin();
        } catch (IOException e) {
            return Readiness.no("cannot write to " + root + ": " + e.getMessage());
        }
        try {
            return tryOut(begun);
        } catch (IOException e) {
            return Readiness.no("overlayfs does not work in " + root + ": " + e.getMessage());
        } finally {
            cleanUp(begun);
        }
    }

    private Readiness tryOut(Path begun) throws IOException {
        Path lower = begun.resolve("lower");
        Path upper = begun.resolve("upper");
        Path work = begun.resolve("work");
        Path merged = begun.resolve("merged");
        for (Path each : List.of(lower, upper, work, merged, lower.resolve("renewed"))) {
            Shelf.makeDirectory(each);
        }
        Files.writeString(lower.resolve("deleted"), "below");
        Files.writeString(lower.resolve("kept"), "below");
        Files.writeString(lower.resolve("renewed").resolve("hidden"), "below");
        try (Dir dir = tree.open(lower)) {
            if (!dir.namesAreTyped()) {
                return Readiness.no("the file system of " + root
                        + " does not tell the types of names (d_type); make it anew with that, as mkfs.xfs -n ftype=1");
            }
        }
        mounts.mount(OverlayOptions.writable(List.of(lower), upper, work, false), merged);
        if (!Files.readString(merged.resolve("kept")).equals("below")) {
            return Readiness.no("overlayfs in " + root + " does not show what is below");
        }
        Files.delete(merged.resolve("deleted"));
        Files.delete(merged.resolve("renewed").resolve("hidden"));
        Files.delete(merged.resolve("renewed"));
        Files.createDirectory(merged.resolve("renewed"));
        try (Dir dir = tree.open(upper)) {
            if (dir.look("deleted").filter(Node::isOverlayWhiteout).isEmpty()) {
                return Readiness.no("overlayfs in " + root + " does not mark what is deleted");
            }
            byte[] opaque = dir.xattrs("renewed").get("trusted.overlay.opaque");
            if (opaque == null || !Arrays.equals(opaque, new byte[] {'y'})) {
                return Readiness.no("the file system of " + root + " keeps no trusted extended attributes");
            }
        }
        return Readiness.yes();
    }

    private void cleanUp(Path begun) {
        try {
            mounts.unmount(begun.resolve("merged"));
            shelf.discard(begun);
        } catch (IOException e) {
            // What is left is swept by the next survey; the probe has its answer.
            shelf.done(begun);
        }
    }
}
