package dev.wharf.storage.btrfs;

import static dev.wharf.spi.DriverException.failure;

import dev.wharf.model.DriverName;
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
import dev.wharf.spi.Failure;
import dev.wharf.spi.kernel.FileCalls;
import dev.wharf.spi.kernel.Mount;
import dev.wharf.spi.kernel.Subvolumes;
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
import org.osgi.service.metatype.annotations.Designate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps snapshots as subvolumes of btrfs: each is a whole file system that shares with its parent what neither has changed,
 * so it is made at once and stands on nothing. See {@link Shelf} for what lies where.
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
    private static final Logger log = LoggerFactory.getLogger(BtrfsDriver.class);
    private static final DriverName NAME = new DriverName("btrfs");
    private static final Format FORMAT = new Format("btrfs-subvolume", 1);

    private final Path root;
    private final Shelf shelf;
    private final FileCalls files;
    private final Tree tree;
    private final Subvolumes subvolumes;
    private final Limits limits;
    /** Held while a parent is seen to be there and a child appears, and while a parent is seen to be childless and goes. */
    private final Object family = new Object();

    @Activate
    public BtrfsDriver(
            BundleContext context,
            Map<String, Object> configuration,
            @Reference FileCalls files,
            @Reference Tree tree,
            @Reference Subvolumes subvolumes) {
        this(home(context, configuration), files, tree, subvolumes, Limits.DEFAULT);
        shelf.shareWithOthersOfThisAgent();
    }

    /** Keeps everything below {@code root}, which need not be there yet. */
    public BtrfsDriver(Path root, FileCalls files, Tree tree, Subvolumes subvolumes, Limits limits) {
        this.root = root;
        this.shelf = new Shelf(root, files, subvolumes);
        this.files = files;
        this.tree = tree;
        this.subvolumes = subvolumes;
        this.limits = limits;
    }

    private static Path home(BundleContext context, Map<String, Object> configuration) {
        Object elsewhere = configuration.get("root");
        if (elsewhere != null && !elsewhere.toString().isBlank()) {
            return Path.of(elsewhere.toString().strip());
        }
        String property = context.getProperty("wharf.data.root");
        if (property == null) {
            throw new IllegalStateException("the framework property wharf.data.root is not set");
        }
        return Path.of(property).resolve("storage").resolve("btrfs");
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
            shelf.discard(shelf.begin(SnapshotKey.SCRATCH));
            return Readiness.yes();
        } catch (IOException e) {
            return Readiness.no("cannot make subvolumes in " + root + ": " + e.getMessage());
        }
    }

    @Override
    public Snapshot prepare(SnapshotKey key, SnapshotKey parent) throws DriverException {
        Snapshot wanted = new Snapshot(key, parent, false);
        try {
            Optional<Snapshot> there = find(key);
            return there.isPresent()
                    ? matching(there.get(), wanted)
                    : make(wanted, content -> {}, from -> move(from, shelf.active(key)));
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
                            begun -> unpackInto(begun, parent, layer),
                            from -> files.renameDurably(from, shelf.committed(name)));
        } catch (IOException e) {
            throw Failures.failed("cannot unpack snapshot " + name, e);
        }
    }

    @Override
    public Snapshot receive(SnapshotKey key, SnapshotKey parent, InputStream changes) throws DriverException {
        Snapshot wanted = new Snapshot(key, parent, false);
        try {
            Optional<Snapshot> there = find(key);
            return there.isPresent()
                    ? matching(there.get(), wanted)
                    : make(wanted, begun -> unpackInto(begun, parent, changes), from -> {
                        // The original goes when this is told to be there, so it has to stay.
                        files.syncFileSystem(from);
                        files.renameDurably(from, shelf.active(key));
                    });
        } catch (IOException e) {
            throw Failures.failed("cannot receive snapshot " + key, e);
        }
    }

    private interface Effect {
        void on(Path snapshot) throws IOException, DriverException;
    }

    /** Takes a snapshot of the parent, fills it, and lets it appear, unless another caller's has appeared meanwhile. */
    private Snapshot make(Snapshot wanted, Effect fill, Effect appear) throws IOException, DriverException {
        requireParent(wanted.parent());
        Path begun = shelf.begin(wanted.parent());
        try {
            fill.on(begun);
            if (wanted.committed()) {
                subvolumes.seal(Shelf.content(begun), true);
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

    private void unpackInto(Path begun, SnapshotKey parent, InputStream layer) throws IOException {
        try (Dir dir = tree.open(Shelf.content(begun));
                Unpacker unpacker = new Unpacker(dir, Deletions.carriedOut(), limits)) {
            unpacker.unpack(layer);
        }
        shelf.setUsage(begun, measure(Shelf.content(begun), parent));
    }

    @Override
    public Snapshot commit(SnapshotKey key, SnapshotKey name) throws DriverException {
        try {
            Path from = shelf.active(key);
            Path to = shelf.committed(name);
            Optional<Snapshot> sealed = read(name, to, true);
            Optional<Snapshot> open = read(key, from, false);
            if (sealed.isPresent()) {
                if (open.isPresent()) {
                    matching(sealed.get(), new Snapshot(name, open.get().parent(), true));
                    remove(key);
                }
                return sealed.get();
            }
            if (open.isEmpty()) {
                throw missing(key);
            }
            subvolumes.seal(Shelf.content(from), true);
            files.syncFileSystem(from);
            files.renameDurably(from, to);
            return new Snapshot(name, open.get().parent(), true);
        } catch (IOException e) {
            throw Failures.failed("cannot commit snapshot " + key + " as " + name, e);
        }
    }

    @Override
    public List<Mount> mounts(SnapshotKey key) throws DriverException {
        try {
            Snapshot snapshot = find(key).orElseThrow(() -> missing(key));
            if (!snapshot.committed()) {
                // An agent that died while it committed may have sealed it.
                subvolumes.seal(content(snapshot), false);
            }
            String access = snapshot.committed() ? "ro" : "rw";
            return List.of(new Mount("bind", content(snapshot).toString(), List.of("bind", access)));
        } catch (IOException e) {
            throw Failures.failed("cannot find snapshot " + key, e);
        }
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

    /** A child needs nothing of its parent here, but other drivers' children do, and the port promises the same for all. */
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
            return kept.isPresent() ? kept.get() : measure(content(snapshot), snapshot.parent());
        } catch (IOException e) {
            throw Failures.failed("cannot measure snapshot " + key, e);
        }
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

    @Override
    public void limit(SnapshotKey key, long sizeBytes) throws DriverException {
        try {
            Snapshot snapshot = find(key).filter(s -> !s.committed()).orElseThrow(() -> missing(key));
            subvolumes.limit(content(snapshot), sizeBytes);
        } catch (IOException e) {
            throw Failures.failed("cannot limit snapshot " + key + " to " + sizeBytes + " bytes", e);
        }
    }

    @Override
    public List<Snapshot> survey() throws DriverException {
        try {
            shelf.prepareRoot();
            shelf.sweep();
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
        } catch (IOException e) {
            throw Failures.failed("cannot read the changes of snapshot " + key, e);
        }
    }

    @Override
    public List<FileChange> changes(SnapshotKey key) throws DriverException {
        try {
            Snapshot snapshot = find(key).orElseThrow(() -> missing(key));
            try (Dir after = tree.open(content(snapshot))) {
                if (snapshot.parent().equals(SnapshotKey.SCRATCH)) {
                    return Changes.upper(after, List.of());
                }
                try (Dir before = tree.open(Shelf.content(shelf.committed(snapshot.parent())))) {
                    return Changes.between(before, after);
                }
            }
        } catch (IOException e) {
            throw Failures.failed("cannot read the changes of snapshot " + key, e);
        }
    }

    // ---- looking ----

    private Path content(Snapshot snapshot) {
        return Shelf.content(snapshot.committed() ? shelf.committed(snapshot.key()) : shelf.active(snapshot.key()));
    }

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
