package dev.wharf.storage.erofs;

import dev.wharf.oci.layer.Dir;
import dev.wharf.oci.layer.Node;
import dev.wharf.oci.layer.Tree;
import dev.wharf.spi.Driver.Readiness;
import dev.wharf.spi.kernel.Mount;
import dev.wharf.spi.kernel.MountCalls;
import dev.wharf.storage.shelves.OverlayOptions;
import dev.wharf.storage.shelves.Shelf;
import dev.wharf.storage.shelves.Trial;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Tries it in the small: two images under an overlay, and something deleted in it. */
final class Probe extends Trial {
    private static final Path FILE_SYSTEMS = Path.of("/proc/filesystems");

    private final Tree tree;

    Probe(Shelf shelf, Tree tree, MountCalls mounts) {
        super(shelf, mounts, "erofs images under an overlay do");
        this.tree = tree;
    }

    @Override
    protected Readiness tryOut(Path begun) throws IOException {
        Path one = begun.resolve("one");
        Path two = begun.resolve("two");
        write(one, begun.resolve("spare"), "below");
        Files.delete(begun.resolve("spare"));
        write(two, begun.resolve("spare"), "above");
        Path merged = merged(begun);
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
        mounts.mount(
                OverlayOptions.writable(List.of(two, one), Shelf.content(begun), Shelf.work(begun), false), merged);
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
}
