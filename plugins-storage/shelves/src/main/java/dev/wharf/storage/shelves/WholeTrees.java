package dev.wharf.storage.shelves;

import dev.wharf.model.FileChange;
import dev.wharf.oci.layer.Changes;
import dev.wharf.oci.layer.Deletions;
import dev.wharf.oci.layer.Dir;
import dev.wharf.oci.layer.Extent;
import dev.wharf.oci.layer.Limits;
import dev.wharf.oci.layer.Packer;
import dev.wharf.oci.layer.Tree;
import dev.wharf.oci.layer.Unpacker;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.kernel.Mount;
import dev.wharf.spi.storage.Snapshot;
import dev.wharf.spi.storage.SnapshotKey;
import dev.wharf.spi.storage.Usage;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** The content of snapshots each of which is a whole file system, {@code KEY/fs}, that stands on nothing. */
public final class WholeTrees {
    private final Shelf shelf;
    private final Snapshots snapshots;
    private final Notes notes;
    private final Tree tree;
    private final Limits limits;

    public WholeTrees(Shelf shelf, Snapshots snapshots, Notes notes, Tree tree, Limits limits) {
        this.shelf = shelf;
        this.snapshots = snapshots;
        this.notes = notes;
        this.tree = tree;
        this.limits = limits;
    }

    /** Puts a layer onto what a new snapshot has of its parent. */
    public void unpack(Path begun, SnapshotKey parent, InputStream layer) throws IOException {
        try (Dir dir = tree.open(Shelf.content(begun));
                Unpacker unpacker = new Unpacker(dir, Deletions.carriedOut(), limits)) {
            unpacker.unpack(layer);
        }
        notes.setUsage(begun, measure(Shelf.content(begun), parent));
    }

    public Path content(Snapshot snapshot) {
        return Shelf.content(snapshots.place(snapshot));
    }

    public List<Mount> mounts(Snapshot snapshot) {
        String access = snapshot.committed() ? "ro" : "rw";
        return List.of(new Mount("bind", content(snapshot).toString(), List.of("bind", access)));
    }

    public Usage usage(SnapshotKey key) throws DriverException {
        return snapshots.look("cannot measure snapshot", key, snapshot -> {
            Optional<Usage> kept =
                    snapshot.committed() ? notes.usage(snapshots.place(snapshot)) : Optional.<Usage>empty();
            return kept.isPresent() ? kept.get() : measure(content(snapshot), snapshot.parent());
        });
    }

    /** What it has beyond its parent: a copy has all of that. */
    private Usage measure(Path content, SnapshotKey parent) throws IOException {
        Extent own = extent(content);
        if (parent.equals(SnapshotKey.SCRATCH)) {
            return new Usage(own.sizeBytes(), own.inodes());
        }
        Extent below = extent(Shelf.content(shelf.committed(parent)));
        return new Usage(Math.max(0, own.sizeBytes() - below.sizeBytes()), Math.max(0, own.inodes() - below.inodes()));
    }

    private Extent extent(Path content) throws IOException {
        try (Dir dir = tree.open(content)) {
            return Extent.of(dir);
        }
    }

    public InputStream diff(SnapshotKey key) throws DriverException {
        return snapshots.look("cannot read the changes of snapshot", key, snapshot -> {
            Dir after = tree.open(content(snapshot));
            if (snapshot.parent().equals(SnapshotKey.SCRATCH)) {
                return Packer.upper(after, Optional.empty());
            }
            try {
                return Packer.changes(tree.open(Shelf.content(shelf.committed(snapshot.parent()))), after);
            } catch (IOException e) {
                after.close();
                throw e;
            }
        });
    }

    public List<FileChange> changes(SnapshotKey key) throws DriverException {
        return snapshots.look("cannot read the changes of snapshot", key, snapshot -> {
            try (Dir after = tree.open(content(snapshot))) {
                if (snapshot.parent().equals(SnapshotKey.SCRATCH)) {
                    return Changes.upper(after, List.of());
                }
                try (Dir before = tree.open(Shelf.content(shelf.committed(snapshot.parent())))) {
                    return Changes.between(before, after);
                }
            }
        });
    }
}
