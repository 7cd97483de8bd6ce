package dev.wharf.storage.vfs;

import dev.wharf.model.DriverName;
import dev.wharf.model.FileChange;
import dev.wharf.oci.layer.Limits;
import dev.wharf.oci.layer.Tree;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.kernel.FileCalls;
import dev.wharf.spi.kernel.Mount;
import dev.wharf.spi.storage.Snapshot;
import dev.wharf.spi.storage.SnapshotKey;
import dev.wharf.spi.storage.StorageDriver;
import dev.wharf.spi.storage.Usage;
import dev.wharf.storage.shelves.Notes;
import dev.wharf.storage.shelves.Shelf;
import dev.wharf.storage.shelves.Snapshots;
import dev.wharf.storage.shelves.WholeTrees;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.List;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/**
 * Keeps snapshots as whole file systems, each a copy of its parent. Slow and large, but it needs nothing of the kernel but a
 * bind mount.
 *
 * <pre>
 * committed/KEY/fs, parent, usage    a sealed snapshot, whole; only a layer knows its usage
 * active/KEY/fs, parent              a writable one, whole
 * new/N                              something being made or removed; nobody's once the agent is gone
 * </pre>
 */
@Component(
        service = StorageDriver.class,
        property = {"wharf.name=vfs", "wharf.formats=vfs-tree 1", "service.ranking:Integer=0"})
public final class VfsDriver implements StorageDriver, StorageDriver.Diffing, StorageDriver.Receiving {
    private static final DriverName NAME = new DriverName("vfs");
    private static final Format FORMAT = new Format("vfs-tree", 1);

    private final Path root;
    private final Shelf shelf;
    private final Snapshots snapshots;
    private final WholeTrees trees;
    private final FileCalls files;

    @Activate
    public VfsDriver(BundleContext context, @Reference FileCalls files, @Reference Tree tree) {
        this(Shelf.home(context, "vfs"), files, tree, Limits.DEFAULT);
        shelf.shareWithOthersOfThisAgent();
        shelf.removeBehindTheBack();
    }

    /** Keeps everything below {@code root}, which need not be there yet. */
    public VfsDriver(Path root, FileCalls files, Tree tree, Limits limits) {
        this.root = root;
        Notes notes = new Notes.InFiles();
        this.shelf = new Shelf(root, files::removeTree);
        this.snapshots = new Snapshots(shelf, notes, files);
        this.trees = new WholeTrees(shelf, snapshots, notes, tree, limits);
        this.files = files;
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
            shelf.prepareRoot();
            shelf.discard(shelf.begin());
            return Readiness.yes();
        } catch (IOException e) {
            return Readiness.no("cannot write to " + root + ": " + e.getMessage());
        }
    }

    @Override
    public Snapshot prepare(SnapshotKey key, SnapshotKey parent) throws DriverException {
        return snapshots.prepare(key, parent, begun -> copy(parent, begun));
    }

    @Override
    public Snapshot unpack(SnapshotKey name, SnapshotKey parent, InputStream layer) throws DriverException {
        return snapshots.unpack(name, parent, begun -> unpackOnto(parent, layer, begun));
    }

    @Override
    public Snapshot receive(SnapshotKey key, SnapshotKey parent, InputStream changes) throws DriverException {
        return snapshots.receive(key, parent, begun -> unpackOnto(parent, changes, begun));
    }

    private void unpackOnto(SnapshotKey parent, InputStream layer, Path begun) throws IOException {
        copy(parent, begun);
        trees.unpack(begun, parent, layer);
    }

    private void copy(SnapshotKey parent, Path begun) throws IOException {
        Path content = Shelf.content(begun);
        Shelf.makeDirectory(content);
        if (parent.equals(SnapshotKey.SCRATCH)) {
            files.chmod(content, 0755);
        } else {
            files.copyTree(Shelf.content(shelf.committed(parent)), content);
        }
    }

    @Override
    public Snapshot commit(SnapshotKey key, SnapshotKey name) throws DriverException {
        return snapshots.commit(key, name, active -> snapshots.rename(active, name));
    }

    @Override
    public List<Mount> mounts(SnapshotKey key) throws DriverException {
        return snapshots.look("cannot find snapshot", key, trees::mounts);
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
