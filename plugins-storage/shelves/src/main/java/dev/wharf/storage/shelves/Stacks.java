package dev.wharf.storage.shelves;

import dev.wharf.model.FileChange;
import dev.wharf.oci.layer.Changes;
import dev.wharf.oci.layer.Deletions;
import dev.wharf.oci.layer.Dir;
import dev.wharf.oci.layer.Extent;
import dev.wharf.oci.layer.Limits;
import dev.wharf.oci.layer.Node;
import dev.wharf.oci.layer.Packer;
import dev.wharf.oci.layer.Tree;
import dev.wharf.oci.layer.Unpacked;
import dev.wharf.oci.layer.Unpacker;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.kernel.FileCalls;
import dev.wharf.spi.storage.Snapshot;
import dev.wharf.spi.storage.SnapshotKey;
import dev.wharf.spi.storage.Usage;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The content of snapshots each of which holds its own changes and is stacked on what it stands on, as overlayfs does. */
public final class Stacks {
    private final Shelf shelf;
    private final Snapshots snapshots;
    private final Notes notes;
    private final FileCalls files;
    private final Tree tree;
    private final Limits limits;
    private final Opening sealed;

    /** Opens the changes of a committed snapshot, which lies at the path, for reading. */
    public interface Opening {
        Dir open(Path committed) throws IOException;
    }

    public Stacks(
            Shelf shelf, Snapshots snapshots, Notes notes, FileCalls files, Tree tree, Limits limits, Opening sealed) {
        this.shelf = shelf;
        this.snapshots = snapshots;
        this.notes = notes;
        this.files = files;
        this.tree = tree;
        this.limits = limits;
        this.sealed = sealed;
    }

    /** Makes the directory of changes; its own owner and mode are the root's in the mounted file system. */
    public void makeContent(Path begun, SnapshotKey parent) throws IOException {
        Path content = Shelf.content(begun);
        Shelf.makeDirectory(content);
        if (parent.equals(SnapshotKey.SCRATCH)) {
            files.chmod(content, 0755);
            return;
        }
        try (Dir like = open(parent);
                Dir root = tree.open(content)) {
            dressLike(like, root);
        }
    }

    /** The same, and what overlayfs needs to write there. */
    public void makeWritable(Path begun, SnapshotKey parent) throws IOException {
        makeContent(begun, parent);
        if (!parent.equals(SnapshotKey.SCRATCH)) {
            Shelf.makeDirectory(Shelf.work(begun));
        }
    }

    /** Gives a root directory the attributes of another. */
    public static void dressLike(Dir like, Dir root) throws IOException {
        Node node = like.look(".").orElseThrow();
        root.chown(".", node.uid(), node.gid());
        for (Map.Entry<String, byte[]> xattr : like.xattrs(".").entrySet()) {
            if (!xattr.getKey().startsWith("trusted.overlay.")) {
                root.setXattr(".", xattr.getKey(), xattr.getValue());
            }
        }
        root.chmod(".", node.permissions());
        root.setTimes(".", node.modifiedSeconds(), node.modifiedNanos());
    }

    /** Unpacks a layer into the directory of changes of a new snapshot. */
    public Usage unpack(Path begun, SnapshotKey parent, InputStream layer) throws IOException, DriverException {
        List<Dir> lowers = lowers(parent);
        try (Dir dir = tree.open(Shelf.content(begun))) {
            Unpacked unpacked;
            try (Unpacker unpacker = new Unpacker(dir, Deletions.marked(lowers), limits)) {
                unpacked = unpacker.unpack(layer);
            }
            return unpacked.replaced() ? measure(dir) : counted(unpacked);
        } finally {
            lowers.forEach(Dir::close);
        }
    }

    /** What was unpacked takes, and the root itself, where nothing of it replaced anything else of it. */
    public static Usage counted(Unpacked unpacked) {
        return new Usage(unpacked.sizeBytes(), unpacked.inodes() + 1);
    }

    /** What is in a directory, counted. */
    public static Usage measure(Dir dir) throws IOException {
        Extent extent = Extent.of(dir);
        return new Usage(extent.sizeBytes(), extent.inodes());
    }

    /** The changes of {@code key} and of everything under it, opened for reading, topmost first. */
    public List<Dir> lowers(SnapshotKey key) throws IOException, DriverException {
        List<Dir> open = new ArrayList<>();
        try {
            for (SnapshotKey each : snapshots.chain(key)) {
                open.add(open(each));
            }
            return open;
        } catch (IOException | DriverException e) {
            open.forEach(Dir::close);
            throw e;
        }
    }

    private Dir open(SnapshotKey committed) throws IOException {
        return sealed.open(shelf.committed(committed));
    }

    private Dir own(Snapshot snapshot) throws IOException {
        return snapshot.committed() ? open(snapshot.key()) : tree.open(Shelf.content(shelf.active(snapshot.key())));
    }

    public Usage usage(SnapshotKey key) throws DriverException {
        return snapshots.look("cannot measure snapshot", key, snapshot -> {
            Optional<Usage> kept =
                    snapshot.committed() ? notes.usage(snapshots.place(snapshot)) : Optional.<Usage>empty();
            if (kept.isPresent()) {
                return kept.get();
            }
            try (Dir own = own(snapshot)) {
                return measure(own);
            }
        });
    }

    public InputStream diff(SnapshotKey key) throws DriverException {
        return snapshots.look("cannot read the changes of snapshot", key, snapshot -> {
            Dir upper = own(snapshot);
            try {
                Optional<Dir> below = snapshot.parent().equals(SnapshotKey.SCRATCH)
                        ? Optional.empty()
                        : Optional.of(open(snapshot.parent()));
                return Packer.upper(upper, below);
            } catch (IOException e) {
                upper.close();
                throw e;
            }
        });
    }

    public List<FileChange> changes(SnapshotKey key) throws DriverException {
        return snapshots.look("cannot read the changes of snapshot", key, snapshot -> {
            List<Dir> lowers = lowers(snapshot.parent());
            try (Dir upper = own(snapshot)) {
                return Changes.upper(upper, lowers);
            } finally {
                lowers.forEach(Dir::close);
            }
        });
    }
}
