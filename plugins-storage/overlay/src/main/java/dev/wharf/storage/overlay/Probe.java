package dev.wharf.storage.overlay;

import dev.wharf.oci.layer.Dir;
import dev.wharf.oci.layer.Node;
import dev.wharf.oci.layer.Tree;
import dev.wharf.spi.Driver.Readiness;
import dev.wharf.spi.kernel.MountCalls;
import dev.wharf.storage.shelves.OverlayOptions;
import dev.wharf.storage.shelves.Shelf;
import dev.wharf.storage.shelves.Trial;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/** Tries overlayfs where the snapshots are to be, in the small: whether it mounts, hides what is deleted, and is opaque. */
final class Probe extends Trial {
    private final Tree tree;

    Probe(Shelf shelf, Tree tree, MountCalls mounts) {
        super(shelf, mounts, "overlayfs does");
        this.tree = tree;
    }

    @Override
    protected Readiness tryOut(Path begun) throws IOException {
        Path lower = begun.resolve("lower");
        Path upper = begun.resolve("upper");
        Path work = begun.resolve("work");
        Path merged = merged(begun);
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
}
