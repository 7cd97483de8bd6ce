package dev.wharf.storage.btrfs;

import dev.wharf.model.DriverName;
import dev.wharf.model.FileChange;
import dev.wharf.oci.layer.Limits;
import dev.wharf.oci.layer.Tree;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.kernel.FileCalls;
import dev.wharf.spi.kernel.Mount;
import dev.wharf.spi.kernel.Subvolumes;
import dev.wharf.spi.storage.Snapshot;
import dev.wharf.spi.storage.SnapshotKey;
import dev.wharf.spi.storage.StorageDriver;
import dev.wharf.spi.storage.Usage;
import dev.wharf.storage.shelves.Failures;
import dev.wharf.storage.shelves.Notes;
import dev.wharf.storage.shelves.Shelf;
import dev.wharf.storage.shelves.Snapshots;
import dev.wharf.storage.shelves.WholeTrees;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.metatype.annotations.Designate;

/**
 * Keeps snapshots as subvolumes of btrfs: each is a whole file system that shares with its parent what neither has changed,
 * so it is made at once and stands on nothing.
 *
 * <pre>
 * committed/KEY/fs, parent, usage    a sealed snapshot: fs is its subvolume; only a layer knows its usage
 * active/KEY/fs, parent              a writable one
 * new/N                              something being made or removed; nobody's once the agent is gone
 * </pre>
 *
 * <p>Configuration, PID {@code dev.wharf.storage.btrfs}: {@code root}, a directory on btrfs, for hosts whose data root lies on
 * another file system.
 */
@Component(
        service = StorageDriver.class,
        configurationPid = "dev.wharf.storage.btrfs",
        property = {"wharf.name=btrfs", "wharf.formats=btrfs-subvolume 1", "service.ranking:Integer=-5"})
@Designate(ocd = BtrfsSettings.class)
public final class BtrfsDriver
        implements StorageDriver, StorageDriver.Diffing, StorageDriver.Receiving, StorageDriver.Limiting {
    private static final DriverName NAME = new DriverName("btrfs");
    private static final Format FORMAT = new Format("btrfs-subvolume", 1);

    private final Path root;
    private final Shelf shelf;
    private final Snapshots snapshots;
    private final WholeTrees trees;
    private final FileCalls files;
    private final Subvolumes subvolumes;

    @Activate
    public BtrfsDriver(
            BundleContext context,
            Map<String, Object> configuration,
            @Reference FileCalls files,
            @Reference Tree tree,
            @Reference Subvolumes subvolumes) {
        this(home(context, configuration), files, tree, subvolumes, Limits.DEFAULT);
        shelf.shareWithOthersOfThisAgent();
        shelf.removeBehindTheBack();
    }

    /** Keeps everything below {@code root}, which need not be there yet. */
    public BtrfsDriver(Path root, FileCalls files, Tree tree, Subvolumes subvolumes, Limits limits) {
        this.root = root;
        Notes notes = new Notes.InFiles();
        this.shelf = new Shelf(root, this::removeAll);
        this.snapshots = new Snapshots(shelf, notes, files);
        this.trees = new WholeTrees(shelf, snapshots, notes, tree, limits);
        this.files = files;
        this.subvolumes = subvolumes;
    }

    private static Path home(BundleContext context, Map<String, Object> configuration) {
        Object elsewhere = configuration.get("root");
        return elsewhere != null && !elsewhere.toString().isBlank()
                ? Path.of(elsewhere.toString().strip())
                : Shelf.home(context, "btrfs");
    }

    /** A subvolume is a file system of its own, which removing a tree stops at. */
    private void removeAll(Path path) throws IOException {
        if (Files.isDirectory(path)) {
            subvolumes.remove(Shelf.content(path));
        }
        files.removeTree(path);
    }

    @Override
    public DriverName name() {
        return NAME;
    }

    @Override
    public List<Format> formats() {
        return List.of(FORMAT);
    }

    @Override
    public Readiness probe() {
        try {
            Path there = root.toAbsolutePath();
            while (!Files.isDirectory(there)) {
                there = Optional.ofNullable(there.getParent())
                        .orElseThrow(() -> new IOException(root + " has no parent directory"));
            }
            if (!subvolumes.areThereIn(there)) {
                return Readiness.no(
                        there + " does not lie on btrfs; put the data root on a btrfs file system, or name a"
                                + " directory on one as root in etc/dev.wharf.storage.btrfs.cfg");
            }
            shelf.prepareRoot();
        } catch (IOException e) {
            return Readiness.no("cannot write to " + root + ": " + e.getMessage());
        }
        try {
            Path begun = shelf.begin();
            try {
                snapshot(SnapshotKey.SCRATCH, begun);
            } finally {
                shelf.discard(begun);
            }
            return Readiness.yes();
        } catch (IOException e) {
            return Readiness.no("cannot make subvolumes in " + root + ": " + e.getMessage());
        }
    }

    @Override
    public Snapshot prepare(SnapshotKey key, SnapshotKey parent) throws DriverException {
        return snapshots.prepare(key, parent, begun -> snapshot(parent, begun));
    }

    @Override
    public Snapshot unpack(SnapshotKey name, SnapshotKey parent, InputStream layer) throws DriverException {
        return snapshots.unpack(name, parent, begun -> {
            unpackOnto(parent, layer, begun);
            subvolumes.seal(Shelf.content(begun), true);
        });
    }

    @Override
    public Snapshot receive(SnapshotKey key, SnapshotKey parent, InputStream changes) throws DriverException {
        return snapshots.receive(key, parent, begun -> unpackOnto(parent, changes, begun));
    }

    private void unpackOnto(SnapshotKey parent, InputStream layer, Path begun) throws IOException {
        snapshot(parent, begun);
        trees.unpack(begun, parent, layer);
    }

    private void snapshot(SnapshotKey parent, Path begun) throws IOException {
        Path content = Shelf.content(begun);
        if (parent.equals(SnapshotKey.SCRATCH)) {
            subvolumes.create(content);
            files.chmod(content, 0755);
        } else {
            subvolumes.snapshot(Shelf.content(shelf.committed(parent)), content);
        }
    }

    @Override
    public Snapshot commit(SnapshotKey key, SnapshotKey name) throws DriverException {
        return snapshots.commit(key, name, active -> {
            subvolumes.seal(trees.content(active), true);
            return snapshots.rename(active, name);
        });
    }

    @Override
    public List<Mount> mounts(SnapshotKey key) throws DriverException {
        return snapshots.look("cannot find snapshot", key, snapshot -> {
            if (!snapshot.committed()) {
                // An agent that died while it committed may have sealed it.
                subvolumes.seal(trees.content(snapshot), false);
            }
            return trees.mounts(snapshot);
        });
    }

    @Override
    public void remove(SnapshotKey key) throws DriverException {
        snapshots.remove(key);
    }

    @Override
    public Usage usage(SnapshotKey key) throws DriverException {
        return trees.usage(key);
    }

    @Override
    public void limit(SnapshotKey key, long sizeBytes) throws DriverException {
        try {
            Snapshot snapshot =
                    snapshots.find(key).filter(s -> !s.committed()).orElseThrow(() -> Snapshots.missing(key));
            subvolumes.limit(trees.content(snapshot), sizeBytes);
        } catch (IOException e) {
            throw Failures.failed("cannot limit snapshot " + key + " to " + sizeBytes + " bytes", e);
        }
    }

    @Override
    public List<Snapshot> survey() throws DriverException {
        return snapshots.survey(key -> {});
    }

    @Override
    public InputStream diff(SnapshotKey key) throws DriverException {
        return trees.diff(key);
    }

    @Override
    public List<FileChange> changes(SnapshotKey key) throws DriverException {
        return trees.changes(key);
    }
}
