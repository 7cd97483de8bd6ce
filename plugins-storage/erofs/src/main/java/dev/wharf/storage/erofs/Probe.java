package dev.wharf.storage.erofs;

import dev.wharf.oci.layer.Dir;
import dev.wharf.oci.layer.Node;
import dev.wharf.oci.layer.Tree;
import dev.wharf.spi.Driver.Readiness;
import dev.wharf.spi.kernel.Mount;
import dev.wharf.spi.kernel.MountCalls;
import dev.wharf.storage.shelves.OverlayOptions;
import dev.wharf.storage.shelves.Shelf;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Tries it in the small: two images under an overlay, and something deleted in it. */
final class Probe {
    private static final Path FILE_SYSTEMS = Path.of("/proc/filesystems");

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
            return Readiness.no("erofs images under an overlay do not work in " + root + ": " + e.getMessage());
        } finally {
            cleanUp(begun);
        }
    }

    private Readiness tryOut(Path begun) throws IOException {
        Path one = begun.resolve("one");
        Path two = begun.resolve("two");
        write(one, begun.resolve("spare"), "below");
        Files.delete(begun.resolve("spare"));
        write(two, begun.resolve("spare"), "above");
        Path merged = begun.resolve("merged");
        for (Path each : List.of(merged, Shelf.content(begun), Shelf.work(begun))) {
            Shelf.makeDirectory(each);
        }
        try {
            mounts.mount(new Mount("erofs", one.toString(), List.of("ro")), merged);
        } catch (IOException e) {
            if (Files.readAllLines(FILE_SYSTEMS).stream().noneMatch(line -> line.endsWith("\terofs"))) {
                return Readiness.no("the kernel has no erofs; it needs CONFIG_EROFS_FS, or the module erofs");
            }
            throw e;
        }
        mounts.unmount(merged);
        mounts.mount(OverlayOptions.writable(List.of(two, one), Shelf.content(begun), Shelf.work(begun), false), merged);
        if (!Files.readString(merged.resolve("file")).equals("above")) {
            return Readiness.no("an overlay in " + root + " does not show what is in its images");
        }
        Files.delete(merged.resolve("file"));
        try (Dir dir = tree.open(Shelf.content(begun))) {
            if (!dir.namesAreTyped()) {
                return Readiness.no("the file system of " + root
                        + " does not tell the types of names (d_type); make it anew with that, as mkfs.xfs -n ftype=1");
            }
            if (dir.look("file").filter(Node::isOverlayWhiteout).isEmpty()) {
                return Readiness.no("an overlay in " + root + " does not mark what is deleted");
            }
        }
        return Readiness.yes();
    }

    private static void write(Path image, Path spare, String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
        try (ImageWriter writer = new ImageWriter(image, spare);
                Dir root = writer.root()) {
            try (Dir.Output file = root.create("file")) {
                file.write(bytes, 0, bytes.length);
            }
            writer.finish();
        }
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
