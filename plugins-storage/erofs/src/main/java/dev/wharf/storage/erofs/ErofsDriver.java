package dev.wharf.storage.erofs;

import dev.wharf.model.DriverName;
import dev.wharf.model.FileChange;
import dev.wharf.oci.layer.Deletions;
import dev.wharf.oci.layer.Dir;
import dev.wharf.oci.layer.Limits;
import dev.wharf.oci.layer.Tree;
import dev.wharf.oci.layer.Unpacked;
import dev.wharf.oci.layer.Unpacker;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.kernel.FileCalls;
import dev.wharf.spi.kernel.Mount;
import dev.wharf.spi.kernel.MountCalls;
import dev.wharf.spi.storage.Snapshot;
import dev.wharf.spi.storage.SnapshotKey;
import dev.wharf.spi.storage.StorageDriver;
import dev.wharf.spi.storage.Usage;
import dev.wharf.storage.shelves.Failures;
import dev.wharf.storage.shelves.Notes;
import dev.wharf.storage.shelves.OverlayOptions;
import dev.wharf.storage.shelves.Shelf;
import dev.wharf.storage.shelves.Snapshots;
import dev.wharf.storage.shelves.Stacks;
import dev.wharf.storage.shelves.Trial;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/**
 * Keeps each layer as one erofs image, written while its tar streams by, so a layer of a hundred thousand files is one file on
 * disk: none of them is made, and removing the layer removes one. A container's changes are a directory, as with the overlay
 * driver, and its mount is an overlay of that over the images.
 *
 * <pre>
 * committed/KEY/image, parent, usage    a sealed snapshot: an erofs image of its changes
 * committed/KEY/was                     the active snapshot it was, which is to go
 * active/KEY/fs, work, parent           the changes of a writable one, and what overlayfs needs beside it
 * new/N                                 something being made or removed; nobody's once the agent is gone
 * </pre>
 */
@Component(
        service = StorageDriver.class,
        property = {"wharf.name=erofs", "wharf.formats=erofs-image 1", "service.ranking:Integer=-10"})
public final class ErofsDriver implements StorageDriver, StorageDriver.Diffing, StorageDriver.Receiving {
    private static final DriverName NAME = new DriverName("erofs");
    private static final Format FORMAT = new Format("erofs-image", 1);
    private final Shelf shelf;
    private final Notes notes = new Notes.InFiles();
    private final Snapshots snapshots;
    private final Stacks stacks;
    private final Tree tree;
    private final MountCalls mounts;
    private final Limits limits;

    @Activate
    public ErofsDriver(
            BundleContext context, @Reference FileCalls files, @Reference Tree tree, @Reference MountCalls mounts) {
        this(Shelf.home(context, "erofs"), files, tree, mounts, Limits.DEFAULT);
        shelf.shareWithOthersOfThisAgent();
        shelf.removeBehindTheBack();
    }

    /** Keeps everything below {@code root}, which need not be there yet. */
    public ErofsDriver(Path root, FileCalls files, Tree tree, MountCalls mounts, Limits limits) {
        this.shelf = new Shelf(root, Trial.unmounting(mounts, files::removeTree));
        this.snapshots = new Snapshots(shelf, notes, files);
        this.stacks =
                new Stacks(shelf, snapshots, notes, files, tree, limits, committed -> Image.open(image(committed)));
        this.tree = tree;
        this.mounts = mounts;
        this.limits = limits;
    }

    private static Path image(Path snapshot) {
        return snapshot.resolve("image");
    }

    private static Path was(Path snapshot) {
        return snapshot.resolve("was");
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
        return new Probe(shelf, tree, mounts).run();
    }

    @Override
    public Snapshot prepare(SnapshotKey key, SnapshotKey parent) throws DriverException {
        return snapshots.prepare(key, parent, begun -> stacks.makeWritable(begun, parent));
    }

    @Override
    public Snapshot unpack(SnapshotKey name, SnapshotKey parent, InputStream layer) throws DriverException {
        return snapshots.unpack(name, parent, begun -> writeImage(begun, parent, layer, root -> {}));
    }

    @Override
    public Snapshot commit(SnapshotKey key, SnapshotKey name) throws DriverException {
        Snapshot sealed = snapshots.commit(key, name, active -> {
            Snapshot made = write(active, name);
            // A crash before these lines leaves them to the next survey.
            remove(key);
            return made;
        });
        try {
            Files.deleteIfExists(was(shelf.committed(name)));
        } catch (IOException e) {
            throw Failures.failed("cannot commit snapshot " + key + " as " + name, e);
        }
        return sealed;
    }

    private Snapshot write(Snapshot active, SnapshotKey name) throws IOException, DriverException {
        Path content = Shelf.content(shelf.active(active.key()));
        try (InputStream changes = diff(active.key())) {
            return snapshots.make(
                    new Snapshot(name, active.parent(), true),
                    begun -> {
                        writeImage(begun, active.parent(), changes, root -> dressLike(content, root));
                        Files.writeString(was(begun), active.key().value());
                    },
                    true);
        }
    }

    @Override
    public Snapshot receive(SnapshotKey key, SnapshotKey parent, InputStream changes) throws DriverException {
        return snapshots.receive(key, parent, begun -> {
            stacks.makeWritable(begun, parent);
            stacks.unpack(begun, parent, changes);
        });
    }

    private interface Dressing {
        void dress(Dir root) throws IOException;
    }

    /** Writes the image of a layer, whose root is as the parent has it where neither the tar nor {@code last} says more. */
    private void writeImage(Path begun, SnapshotKey parent, InputStream layer, Dressing last)
            throws IOException, DriverException {
        Path image = image(begun);
        Path waiting = begun.resolve("waiting");
        Unpacked unpacked;
        List<Dir> lowers = stacks.lowers(parent);
        try (ImageWriter writer = new ImageWriter(image, waiting);
                Dir dir = writer.root()) {
            if (!lowers.isEmpty()) {
                Stacks.dressLike(lowers.get(0), dir);
            }
            try (Unpacker unpacker = new Unpacker(dir, Deletions.marked(lowers), limits)) {
                unpacked = unpacker.unpack(layer);
            }
            last.dress(dir);
            writer.finish();
        } finally {
            lowers.forEach(Dir::close);
        }
        Files.delete(waiting);
        notes.setUsage(begun, usage(image, unpacked));
    }

    private static Usage usage(Path image, Unpacked unpacked) throws IOException {
        if (!unpacked.replaced()) {
            return Stacks.counted(unpacked);
        }
        try (Dir dir = Image.open(image)) {
            return Stacks.measure(dir);
        }
    }

    private void dressLike(Path content, Dir root) throws IOException {
        try (Dir like = tree.open(content)) {
            Stacks.dressLike(like, root);
        }
    }

    @Override
    public List<Mount> mounts(SnapshotKey key) throws DriverException {
        return snapshots.look("cannot find the layers of snapshot", key, snapshot -> {
            List<Path> lowers = new ArrayList<>();
            for (SnapshotKey each : snapshots.chain(snapshot.parent())) {
                lowers.add(image(shelf.committed(each)));
            }
            if (snapshot.committed()) {
                lowers.add(0, image(shelf.committed(key)));
                return List.of(
                        lowers.size() == 1
                                ? new Mount("erofs", lowers.get(0).toString(), List.of("ro"))
                                : OverlayOptions.readOnly(lowers));
            }
            Path own = shelf.active(key);
            return List.of(
                    lowers.isEmpty()
                            ? new Mount("bind", Shelf.content(own).toString(), List.of("bind", "rw"))
                            : OverlayOptions.writable(lowers, Shelf.content(own), Shelf.work(own), false));
        });
    }

    @Override
    public void remove(SnapshotKey key) throws DriverException {
        snapshots.remove(key);
    }

    @Override
    public Usage usage(SnapshotKey key) throws DriverException {
        return stacks.usage(key);
    }

    @Override
    public List<Snapshot> survey() throws DriverException {
        return snapshots.survey(this::removeWhatItWas);
    }

    private void removeWhatItWas(SnapshotKey sealed) throws IOException, DriverException {
        Path was = was(shelf.committed(sealed));
        Optional<String> active = Notes.InFiles.read(was);
        if (active.isPresent()) {
            remove(new SnapshotKey(active.get()));
            Files.deleteIfExists(was);
        }
    }

    @Override
    public InputStream diff(SnapshotKey key) throws DriverException {
        return stacks.diff(key);
    }

    @Override
    public List<FileChange> changes(SnapshotKey key) throws DriverException {
        return stacks.changes(key);
    }
}
