package dev.wharf.storage.erofs;

import static dev.wharf.spi.DriverException.failure;

import dev.wharf.model.DriverName;
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
import dev.wharf.spi.Failure;
import dev.wharf.spi.kernel.FileCalls;
import dev.wharf.spi.kernel.Mount;
import dev.wharf.spi.kernel.MountCalls;
import dev.wharf.spi.storage.Snapshot;
import dev.wharf.spi.storage.SnapshotKey;
import dev.wharf.spi.storage.StorageDriver;
import dev.wharf.spi.storage.Usage;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps each layer as one erofs image, written while its tar streams by, so a layer of a hundred thousand files is one file on
 * disk: none of them is made, and removing the layer removes one. A container's changes are a directory, as with the overlay
 * driver, and its mount is an overlay of that over the images. See {@link Shelf} for what lies where.
 */
@Component(
        service = StorageDriver.class,
        property = {"wharf.name=erofs", "wharf.formats=erofs-image 1", "service.ranking:Integer=-10"})
public final class ErofsDriver implements StorageDriver, StorageDriver.Diffing, StorageDriver.Receiving {
    private static final Logger log = LoggerFactory.getLogger(ErofsDriver.class);
    private static final DriverName NAME = new DriverName("erofs");
    private static final Format FORMAT = new Format("erofs-image", 1);
    /** As many as other engines allow, and fewer than overlayfs can stack. */
    private static final int MOST_LAYERS = 500;

    private final Path root;
    private final Shelf shelf;
    private final FileCalls files;
    private final Tree tree;
    private final MountCalls mounts;
    private final Limits limits;
    /** Held while a parent is seen to be there and a child appears, and while a parent is seen to be childless and goes. */
    private final Object family = new Object();

    @Activate
    public ErofsDriver(
            BundleContext context, @Reference FileCalls files, @Reference Tree tree, @Reference MountCalls mounts) {
        this(dataRoot(context).resolve("storage").resolve("erofs"), files, tree, mounts, Limits.DEFAULT);
        shelf.shareWithOthersOfThisAgent();
    }

    /** Keeps everything below {@code root}, which need not be there yet. */
    public ErofsDriver(Path root, FileCalls files, Tree tree, MountCalls mounts, Limits limits) {
        this.root = root;
        this.shelf = new Shelf(root, files);
        this.files = files;
        this.tree = tree;
        this.mounts = mounts;
        this.limits = limits;
    }

    private static Path dataRoot(BundleContext context) {
        String property = context.getProperty("wharf.data.root");
        if (property == null) {
            throw new IllegalStateException("the framework property wharf.data.root is not set");
        }
        return Path.of(property);
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
        return new Probe(root, shelf, files, tree, mounts).run();
    }

    @Override
    public Snapshot prepare(SnapshotKey key, SnapshotKey parent) throws DriverException {
        Snapshot wanted = new Snapshot(key, parent, false);
        try {
            Optional<Snapshot> there = find(key);
            return there.isPresent()
                    ? matching(there.get(), wanted)
                    : make(wanted, this::makeContent, from -> move(from, shelf.active(key)));
        } catch (IOException e) {
            throw Failures.failed("cannot prepare snapshot " + key, e);
        }
    }

    @Override
    public Snapshot unpack(SnapshotKey name, SnapshotKey parent, InputStream layer) throws DriverException {
        Snapshot wanted = new Snapshot(name, parent, true);
        try {
            Optional<Snapshot> there = find(name);
            return there.isPresent()
                    ? matching(there.get(), wanted)
                    : make(
                            wanted,
                            (begun, at) -> writeImage(begun, at, layer, root -> {}),
                            from -> files.renameDurably(from, shelf.committed(name)));
        } catch (IOException e) {
            throw Failures.failed("cannot unpack snapshot " + name, e);
        }
    }

    @Override
    public Snapshot commit(SnapshotKey key, SnapshotKey name) throws DriverException {
        try {
            Optional<Snapshot> sealed = read(name, shelf.committed(name), true);
            Optional<Snapshot> open = read(key, shelf.active(key), false);
            if (sealed.isPresent()) {
                if (open.isPresent()) {
                    matching(sealed.get(), new Snapshot(name, open.get().parent(), true));
                    remove(key);
                }
                Files.deleteIfExists(Shelf.was(shelf.committed(name)));
                return sealed.get();
            }
            if (open.isEmpty()) {
                throw missing(key);
            }
            Path content = Shelf.content(shelf.active(key));
            Snapshot made;
            try (InputStream changes = diff(key)) {
                made = make(
                        new Snapshot(name, open.get().parent(), true),
                        (begun, at) -> {
                            writeImage(begun, at, changes, root -> dressLike(content, root));
                            Files.writeString(Shelf.was(begun), key.value());
                        },
                        from -> files.renameDurably(from, shelf.committed(name)));
            }
            // A crash before these lines leaves them to the next survey.
            remove(key);
            Files.deleteIfExists(Shelf.was(shelf.committed(name)));
            return made;
        } catch (IOException e) {
            throw Failures.failed("cannot commit snapshot " + key + " as " + name, e);
        }
    }

    @Override
    public Snapshot receive(SnapshotKey key, SnapshotKey parent, InputStream changes) throws DriverException {
        Snapshot wanted = new Snapshot(key, parent, false);
        try {
            Optional<Snapshot> there = find(key);
            return there.isPresent()
                    ? matching(there.get(), wanted)
                    : make(
                            wanted,
                            (begun, at) -> {
                                makeContent(begun, at);
                                unpackInto(Shelf.content(begun), at, changes);
                            },
                            from -> {
                                // The original goes when this is told to be there, so it has to stay.
                                files.syncFileSystem(from);
                                files.renameDurably(from, shelf.active(key));
                            });
        } catch (IOException e) {
            throw Failures.failed("cannot receive snapshot " + key, e);
        }
    }

    private void unpackInto(Path content, SnapshotKey parent, InputStream changes) throws IOException, DriverException {
        List<Dir> lowers = lowers(parent);
        try (Dir dir = tree.open(content);
                Unpacker unpacker = new Unpacker(dir, Deletions.marked(lowers), limits)) {
            unpacker.unpack(changes);
        } finally {
            lowers.forEach(Dir::close);
        }
    }

    private interface Filling {
        void fill(Path begun, SnapshotKey parent) throws IOException, DriverException;
    }

    private interface Effect {
        void on(Path snapshot) throws IOException, DriverException;
    }

    private interface Dressing {
        void dress(Dir root) throws IOException;
    }

    /** Fills a new snapshot, and lets it appear, unless another caller's has appeared meanwhile. */
    private Snapshot make(Snapshot wanted, Filling filling, Effect appear) throws IOException, DriverException {
        requireParent(wanted.parent());
        Path begun = shelf.begin(wanted.parent());
        try {
            filling.fill(begun, wanted.parent());
            if (wanted.committed()) {
                files.syncFileSystem(begun);
            }
            Optional<Snapshot> there;
            synchronized (family) {
                there = find(wanted.key());
                if (there.isEmpty()) {
                    requireParent(wanted.parent());
                    appear.on(begun);
                }
            }
            if (there.isEmpty()) {
                shelf.done(begun);
                return wanted;
            }
            discard(begun);
            return matching(there.get(), wanted);
        } catch (IOException | DriverException | RuntimeException e) {
            discard(begun);
            throw e;
        }
    }

    /** The directory of changes; its own owner and mode are the root's in the mounted file system. */
    private void makeContent(Path begun, SnapshotKey parent) throws IOException {
        Path content = Shelf.content(begun);
        Shelf.makeDirectory(content);
        if (parent.equals(SnapshotKey.SCRATCH)) {
            files.chmod(content, 0755);
            return;
        }
        Shelf.makeDirectory(Shelf.work(begun));
        try (Dir like = image(parent)) {
            Node node = like.look(".").orElseThrow();
            files.chown(content, node.uid(), node.gid());
            for (Map.Entry<String, byte[]> xattr : like.xattrs(".").entrySet()) {
                if (!xattr.getKey().startsWith("trusted.overlay.")) {
                    files.setXattr(content, xattr.getKey(), xattr.getValue());
                }
            }
            files.chmod(content, node.permissions());
            files.setTimes(content, node.modifiedSeconds(), node.modifiedNanos());
        }
    }

    /** Writes the image of a layer, whose root is as the parent has it where neither the tar nor {@code last} says more. */
    private void writeImage(Path begun, SnapshotKey parent, InputStream layer, Dressing last)
            throws IOException, DriverException {
        Path image = Shelf.image(begun);
        Path waiting = begun.resolve("waiting");
        Unpacked unpacked;
        List<Dir> lowers = lowers(parent);
        try (ImageWriter writer = new ImageWriter(image, waiting);
                Dir dir = writer.root()) {
            if (!lowers.isEmpty()) {
                dressLike(lowers.get(0), dir);
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
        shelf.setUsage(begun, usage(image, unpacked));
    }

    private static Usage usage(Path image, Unpacked unpacked) throws IOException {
        if (!unpacked.replaced()) {
            return new Usage(unpacked.sizeBytes(), unpacked.inodes() + 1);
        }
        try (Dir dir = Image.open(image)) {
            Extent extent = Extent.of(dir);
            return new Usage(extent.sizeBytes(), extent.inodes());
        }
    }

    private void dressLike(Path content, Dir root) throws IOException {
        try (Dir like = tree.open(content)) {
            dressLike(like, root);
        }
    }

    private static void dressLike(Dir like, Dir root) throws IOException {
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

    @Override
    public List<Mount> mounts(SnapshotKey key) throws DriverException {
        try {
            Snapshot snapshot = find(key).orElseThrow(() -> missing(key));
            List<Path> lowers = new ArrayList<>();
            for (SnapshotKey each : chain(snapshot.parent())) {
                lowers.add(Shelf.image(shelf.committed(each)));
            }
            if (snapshot.committed()) {
                lowers.add(0, Shelf.image(shelf.committed(key)));
                return List.of(
                        lowers.size() == 1
                                ? new Mount("erofs", lowers.get(0).toString(), List.of("ro"))
                                : OverlayOptions.readOnly(lowers));
            }
            Path own = shelf.active(key);
            return List.of(
                    lowers.isEmpty()
                            ? new Mount("bind", Shelf.content(own).toString(), List.of("bind", "rw"))
                            : OverlayOptions.writable(lowers, Shelf.content(own), Shelf.work(own)));
        } catch (IOException e) {
            throw Failures.failed("cannot find the layers of snapshot " + key, e);
        }
    }

    /** {@code key} and everything under it, topmost first. */
    private List<SnapshotKey> chain(SnapshotKey key) throws IOException, DriverException {
        List<SnapshotKey> chain = new ArrayList<>();
        for (SnapshotKey at = key; !at.equals(SnapshotKey.SCRATCH); ) {
            chain.add(at);
            if (chain.size() > MOST_LAYERS) {
                throw failure(Failure.Kind.CORRUPT, "snapshot " + key + " stands on too many others");
            }
            SnapshotKey missing = at;
            at = shelf.parent(shelf.committed(at)).orElseThrow(() -> missing(missing));
        }
        return chain;
    }

    /** The images of {@code key} and everything under it, opened for reading, topmost first. */
    private List<Dir> lowers(SnapshotKey key) throws IOException, DriverException {
        List<Dir> open = new ArrayList<>();
        try {
            for (SnapshotKey each : chain(key)) {
                open.add(image(each));
            }
            return open;
        } catch (IOException | DriverException e) {
            open.forEach(Dir::close);
            throw e;
        }
    }

    private Dir image(SnapshotKey committed) throws IOException {
        return Image.open(Shelf.image(shelf.committed(committed)));
    }

    @Override
    public void remove(SnapshotKey key) throws DriverException {
        try {
            Path doomed = shelf.doomed();
            synchronized (family) {
                Optional<Snapshot> there = find(key);
                if (there.isEmpty()) {
                    shelf.done(doomed);
                    return;
                }
                requireNoChild(there.get());
                move(there.get().committed() ? shelf.committed(key) : shelf.active(key), doomed);
            }
            shelf.discard(doomed);
        } catch (IOException e) {
            throw Failures.failed("cannot remove snapshot " + key, e);
        }
    }

    private void requireNoChild(Snapshot snapshot) throws IOException, DriverException {
        for (Snapshot each : snapshot.committed() ? everything() : List.<Snapshot>of()) {
            if (each.parent().equals(snapshot.key())) {
                throw failure(
                        Failure.Kind.BUSY,
                        "cannot remove snapshot " + snapshot.key() + ": " + each.key() + " stands on it");
            }
        }
    }

    @Override
    public Usage usage(SnapshotKey key) throws DriverException {
        try {
            Snapshot snapshot = find(key).orElseThrow(() -> missing(key));
            Optional<Usage> kept = snapshot.committed() ? shelf.usage(shelf.committed(key)) : Optional.empty();
            if (kept.isPresent()) {
                return kept.get();
            }
            try (Dir own = own(snapshot)) {
                Extent extent = Extent.of(own);
                return new Usage(extent.sizeBytes(), extent.inodes());
            }
        } catch (IOException e) {
            throw Failures.failed("cannot measure snapshot " + key, e);
        }
    }

    /** What a snapshot itself has: its image, or the directory of its changes. */
    private Dir own(Snapshot snapshot) throws IOException {
        return snapshot.committed() ? image(snapshot.key()) : tree.open(Shelf.content(shelf.active(snapshot.key())));
    }

    @Override
    public List<Snapshot> survey() throws DriverException {
        try {
            shelf.prepareRoot();
            shelf.sweep();
            for (SnapshotKey sealed : shelf.allCommitted()) {
                Optional<SnapshotKey> was = shelf.was(sealed);
                if (was.isPresent()) {
                    remove(was.get());
                    Files.deleteIfExists(Shelf.was(shelf.committed(sealed)));
                }
            }
            return everything();
        } catch (IOException e) {
            throw Failures.failed("cannot list the snapshots in " + root, e);
        }
    }

    private List<Snapshot> everything() throws IOException {
        List<Snapshot> found = new ArrayList<>();
        for (SnapshotKey key : shelf.allCommitted()) {
            read(key, shelf.committed(key), true).ifPresent(found::add);
        }
        for (SnapshotKey key : shelf.allActive()) {
            read(key, shelf.active(key), false).ifPresent(found::add);
        }
        return found;
    }

    @Override
    public InputStream diff(SnapshotKey key) throws DriverException {
        try {
            Snapshot snapshot = find(key).orElseThrow(() -> missing(key));
            Dir upper = own(snapshot);
            try {
                Optional<Dir> below = snapshot.parent().equals(SnapshotKey.SCRATCH)
                        ? Optional.empty()
                        : Optional.of(image(snapshot.parent()));
                return Packer.upper(upper, below);
            } catch (IOException e) {
                upper.close();
                throw e;
            }
        } catch (IOException e) {
            throw Failures.failed("cannot read the changes of snapshot " + key, e);
        }
    }

    @Override
    public List<FileChange> changes(SnapshotKey key) throws DriverException {
        List<Dir> lowers = List.of();
        try {
            Snapshot snapshot = find(key).orElseThrow(() -> missing(key));
            lowers = lowers(snapshot.parent());
            try (Dir upper = own(snapshot)) {
                return Changes.upper(upper, lowers);
            }
        } catch (IOException e) {
            throw Failures.failed("cannot read the changes of snapshot " + key, e);
        } finally {
            lowers.forEach(Dir::close);
        }
    }

    // ---- looking ----

    private Optional<Snapshot> find(SnapshotKey key) throws IOException {
        Optional<Snapshot> sealed = read(key, shelf.committed(key), true);
        return sealed.isPresent() ? sealed : read(key, shelf.active(key), false);
    }

    private Optional<Snapshot> read(SnapshotKey key, Path path, boolean committed) throws IOException {
        Optional<SnapshotKey> parent = shelf.parent(path);
        if (parent.isEmpty() && Files.exists(path)) {
            log.warn("a snapshot without a parent is left out path={}", path);
        }
        return parent.map(p -> new Snapshot(key, p, committed));
    }

    private void requireParent(SnapshotKey parent) throws IOException, DriverException {
        if (!parent.equals(SnapshotKey.SCRATCH)
                && shelf.parent(shelf.committed(parent)).isEmpty()) {
            throw failure(Failure.Kind.MISSING, "no committed snapshot " + parent + " to stand on");
        }
    }

    private static Snapshot matching(Snapshot there, Snapshot wanted) throws DriverException {
        if (!there.equals(wanted)) {
            throw failure(
                    Failure.Kind.EXISTS,
                    "snapshot " + there.key() + " is already there, " + (there.committed() ? "committed" : "active")
                            + " on " + there.parent());
        }
        return there;
    }

    private static void move(Path from, Path to) throws IOException {
        Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
    }

    private void discard(Path begun) {
        try {
            shelf.discard(begun);
        } catch (IOException e) {
            log.warn("cannot clean up now, the next survey will path={} reason={}", begun, e.getMessage());
        }
    }

    private static DriverException missing(SnapshotKey key) {
        return failure(Failure.Kind.MISSING, "no snapshot " + key);
    }
}
