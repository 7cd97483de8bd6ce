package dev.wharf.storage.overlay;

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
import dev.wharf.oci.layer.Unpacked;
import dev.wharf.oci.layer.Unpacker;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.kernel.FileCalls;
import dev.wharf.spi.kernel.Mount;
import dev.wharf.spi.kernel.MountCalls;
import dev.wharf.spi.kernel.ProjectQuotas;
import dev.wharf.spi.storage.Snapshot;
import dev.wharf.spi.storage.SnapshotKey;
import dev.wharf.spi.storage.StorageDriver;
import dev.wharf.spi.storage.Usage;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.metatype.annotations.Designate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps snapshots as layers of overlayfs. Each snapshot has the directory of its own changes and names its parent; mounting
 * it stacks these directories. See {@link Shelf} for what lies where.
 *
 * <p>Configuration, PID {@code dev.wharf.storage.overlay}, read live: {@code volatile}, false by default, lets containers
 * write without ever waiting for the disk. What such a container wrote may be incomplete after the host itself went down, so
 * it cannot be started after that.
 */
@Component(
        service = StorageDriver.class,
        configurationPid = "dev.wharf.storage.overlay",
        property = {"wharf.name=overlay", "wharf.formats=overlay-tree 1", "service.ranking:Integer=0"})
@Designate(ocd = OverlaySettings.class)
public final class OverlayDriver
        implements StorageDriver, StorageDriver.Diffing, StorageDriver.Receiving, StorageDriver.Limiting {
    private static final Logger log = LoggerFactory.getLogger(OverlayDriver.class);
    private static final DriverName NAME = new DriverName("overlay");
    private static final Format FORMAT = new Format("overlay-tree", 1);
    /** As many as other engines allow, and fewer than overlayfs can stack. */
    private static final int MOST_LAYERS = 500;

    private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");

    private final Path root;
    private final Shelf shelf;
    private final FileCalls files;
    private final Tree tree;
    private final MountCalls mounts;
    private final ProjectQuotas quotas;
    private final Limits limits;
    private volatile boolean isVolatile;
    /** Held while a parent is seen to be there and a child appears, and while a parent is seen to be childless and goes. */
    private final Object family = new Object();

    @Activate
    public OverlayDriver(
            BundleContext context,
            Map<String, Object> configuration,
            @Reference FileCalls files,
            @Reference Tree tree,
            @Reference MountCalls mounts,
            @Reference ProjectQuotas quotas) {
        this(dataRoot(context).resolve("storage").resolve("overlay"), files, tree, mounts, quotas, Limits.DEFAULT);
        changed(configuration);
        shelf.shareWithOthersOfThisAgent();
    }

    /** Keeps everything below {@code root}, which need not be there yet. */
    public OverlayDriver(
            Path root, FileCalls files, Tree tree, MountCalls mounts, ProjectQuotas quotas, Limits limits) {
        this.root = root;
        this.shelf = new Shelf(root, files);
        this.files = files;
        this.tree = tree;
        this.mounts = mounts;
        this.quotas = quotas;
        this.limits = limits;
    }

    /** Takes a changed configuration, for what is mounted from now on. A wrong value leaves the one before. */
    @Modified
    public void changed(Map<String, Object> configuration) {
        String text =
                String.valueOf(configuration.getOrDefault("volatile", "false")).strip();
        if (text.equals("true") || text.equals("false")) {
            isVolatile = text.equals("true");
        } else {
            log.warn("a setting is not taken, true or false is expected setting=volatile value={}", text);
        }
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
        try {
            Optional<Snapshot> there = find(key);
            if (there.isPresent()) {
                return matching(there.get(), parent, false);
            }
            Path begun = shelf.begin();
            try {
                makeContent(begun, parent);
                if (!parent.equals(SnapshotKey.SCRATCH)) {
                    Shelf.makeDirectory(Shelf.work(begun));
                }
                shelf.setParent(begun, parent);
                synchronized (family) {
                    there = find(key);
                    if (there.isEmpty()) {
                        requireParent(parent);
                        // Not forced to disk: after a loss of power it is there whole or not at all, and asked for
                        // again.
                        Files.move(begun, shelf.active(key), StandardCopyOption.ATOMIC_MOVE);
                    }
                }
                return settle(begun, there, new Snapshot(key, parent, false));
            } catch (IOException | DriverException | RuntimeException e) {
                discard(begun);
                throw e;
            }
        } catch (IOException e) {
            throw failed("cannot prepare snapshot " + key, e);
        }
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
                    matching(sealed.get(), open.get().parent(), true);
                    remove(key);
                }
                return sealed.get();
            }
            if (open.isEmpty()) {
                throw missing(key);
            }
            Usage usage;
            try (Dir content = tree.open(Shelf.content(from))) {
                Extent extent = Extent.of(content);
                usage = new Usage(extent.sizeBytes(), extent.inodes());
            }
            shelf.setUsage(from, usage);
            unlimit(from);
            shelf.settle(from, usage);
            files.renameDurably(from, to);
            // A crash before this line leaves the work directory to the next survey.
            files.removeTree(Shelf.work(to));
            return new Snapshot(name, open.get().parent(), true);
        } catch (IOException e) {
            throw failed("cannot commit snapshot " + key + " as " + name, e);
        }
    }

    @Override
    public Snapshot unpack(SnapshotKey name, SnapshotKey parent, InputStream layer) throws DriverException {
        try {
            Optional<Snapshot> there = find(name);
            if (there.isPresent()) {
                return matching(there.get(), parent, true);
            }
            Path begun = shelf.begin();
            try {
                makeContent(begun, parent);
                shelf.setParent(begun, parent);
                Usage usage = unpackInto(Shelf.content(begun), chain(parent), layer);
                shelf.setUsage(begun, usage);
                shelf.settle(begun, usage);
                synchronized (family) {
                    there = find(name);
                    if (there.isEmpty()) {
                        requireParent(parent);
                        files.renameDurably(begun, shelf.committed(name));
                    }
                }
                return settle(begun, there, new Snapshot(name, parent, true));
            } catch (IOException | DriverException | RuntimeException e) {
                discard(begun);
                throw e;
            }
        } catch (IOException e) {
            throw failed("cannot unpack snapshot " + name, e);
        }
    }

    @Override
    public Snapshot receive(SnapshotKey key, SnapshotKey parent, InputStream changes) throws DriverException {
        try {
            Optional<Snapshot> there = find(key);
            if (there.isPresent()) {
                return matching(there.get(), parent, false);
            }
            Path begun = shelf.begin();
            try {
                makeContent(begun, parent);
                if (!parent.equals(SnapshotKey.SCRATCH)) {
                    Shelf.makeDirectory(Shelf.work(begun));
                }
                shelf.setParent(begun, parent);
                unpackInto(Shelf.content(begun), chain(parent), changes);
                // The original goes when this is told to be there, so it has to stay.
                files.syncFileSystem(begun);
                synchronized (family) {
                    there = find(key);
                    if (there.isEmpty()) {
                        requireParent(parent);
                        files.renameDurably(begun, shelf.active(key));
                    }
                }
                return settle(begun, there, new Snapshot(key, parent, false));
            } catch (IOException | DriverException | RuntimeException e) {
                discard(begun);
                throw e;
            }
        } catch (IOException e) {
            throw failed("cannot receive snapshot " + key, e);
        }
    }

    private Usage unpackInto(Path content, List<Path> lowers, InputStream layer) throws IOException {
        List<Dir> open = new ArrayList<>();
        try (Dir dir = tree.open(content)) {
            for (Path lower : lowers) {
                open.add(tree.open(lower));
            }
            Unpacked unpacked;
            try (Unpacker unpacker = new Unpacker(dir, Deletions.marked(open), limits)) {
                unpacked = unpacker.unpack(layer);
            }
            if (!unpacked.replaced()) {
                return new Usage(unpacked.sizeBytes(), unpacked.inodes() + 1);
            }
            Extent extent = Extent.of(dir);
            return new Usage(extent.sizeBytes(), extent.inodes());
        } finally {
            open.forEach(Dir::close);
        }
    }

    /** The directory of changes; its own owner and mode are the root's in the mounted file system. */
    private void makeContent(Path snapshot, SnapshotKey parent) throws IOException, DriverException {
        Path content = Shelf.content(snapshot);
        Shelf.makeDirectory(content);
        if (parent.equals(SnapshotKey.SCRATCH)) {
            files.chmod(content, 0755);
            return;
        }
        requireParent(parent);
        Path like = Shelf.content(shelf.committed(parent));
        FileCalls.Stat stat = files.stat(like);
        files.chown(content, stat.uid(), stat.gid());
        for (Map.Entry<String, byte[]> xattr : files.xattrs(like).entrySet()) {
            if (!xattr.getKey().startsWith("trusted.overlay.")) {
                files.setXattr(content, xattr.getKey(), xattr.getValue());
            }
        }
        files.chmod(content, stat.mode() & 07777);
        files.setTimes(content, stat.modifiedSeconds(), stat.modifiedNanos());
    }

    @Override
    public List<Mount> mounts(SnapshotKey key) throws DriverException {
        try {
            Snapshot snapshot = find(key).orElseThrow(() -> missing(key));
            Path own = snapshot.committed() ? shelf.committed(key) : shelf.active(key);
            List<Path> lowers = chain(snapshot.parent());
            if (lowers.isEmpty()) {
                String access = snapshot.committed() ? "ro" : "rw";
                return List.of(new Mount("bind", Shelf.content(own).toString(), List.of("bind", access)));
            }
            if (snapshot.committed()) {
                lowers.add(0, Shelf.content(own));
                return List.of(OverlayOptions.readOnly(lowers));
            }
            boolean unsynced = isVolatile;
            settleVolatile(key, own, unsynced);
            return List.of(OverlayOptions.writable(lowers, Shelf.content(own), Shelf.work(own), unsynced));
        } catch (IOException e) {
            throw failed("cannot find the layers of snapshot " + key, e);
        }
    }

    /**
     * Overlayfs leaves a mark in the work directory of what it mounts volatile, and mounts it never again while that is there.
     * As long as the host runs nothing can be missing, so the mark goes; after that nobody can tell.
     */
    private void settleVolatile(SnapshotKey key, Path own, boolean unsynced) throws IOException, DriverException {
        String boot = Files.readString(BOOT_ID).strip();
        Path mark = Shelf.volatileMark(own);
        if (Files.exists(mark)) {
            if (!shelf.volatileBoot(own).equals(Optional.of(boot))) {
                throw failure(
                        Failure.Kind.CORRUPT,
                        "snapshot " + key
                                + " was mounted volatile when the host went down, and may be incomplete; make the"
                                + " container anew, or take what is left with docker export");
            }
            files.removeTree(mark);
        }
        if (unsynced) {
            shelf.setVolatileBoot(own, boot);
        }
    }

    @Override
    public void limit(SnapshotKey key, long sizeBytes) throws DriverException {
        try {
            Path own = shelf.active(key);
            if (read(key, own, false).isEmpty()) {
                throw missing(key);
            }
            Optional<String> obstacle = quotas.obstacle(root);
            if (obstacle.isPresent()) {
                throw failure(
                        Failure.Kind.UNSUPPORTED, "the size of a container cannot be limited here: " + obstacle.get());
            }
            shelf.setLimit(own, sizeBytes);
            quotas.limit(own, sizeBytes);
        } catch (IOException e) {
            throw failed("cannot limit snapshot " + key + " to " + sizeBytes + " bytes", e);
        }
    }

    /** Gives a limit back, whose number would be another directory's one day. */
    private void unlimit(Path snapshot) throws IOException {
        if (shelf.hasLimit(snapshot)) {
            quotas.forget(snapshot);
        }
    }

    /** The directories of {@code key} and everything under it, topmost first. */
    private List<Path> chain(SnapshotKey key) throws IOException, DriverException {
        List<Path> chain = new ArrayList<>();
        for (SnapshotKey at = key; !at.equals(SnapshotKey.SCRATCH); ) {
            Path snapshot = shelf.committed(at);
            SnapshotKey missing = at;
            Optional<SnapshotKey> parent = parentOf(snapshot);
            chain.add(Shelf.content(snapshot));
            if (chain.size() > MOST_LAYERS) {
                throw failure(Failure.Kind.CORRUPT, "snapshot " + key + " stands on too many others");
            }
            at = parent.orElseThrow(() -> missing(missing));
        }
        return chain;
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
                if (there.get().committed()) {
                    requireNoChild(key);
                }
                Path from = there.get().committed() ? shelf.committed(key) : shelf.active(key);
                unlimit(from);
                Files.move(from, doomed, StandardCopyOption.ATOMIC_MOVE);
            }
            shelf.discard(doomed);
        } catch (IOException e) {
            throw failed("cannot remove snapshot " + key, e);
        }
    }

    private void requireNoChild(SnapshotKey key) throws IOException, DriverException {
        for (Snapshot each : everything()) {
            if (each.parent().equals(key)) {
                throw failure(Failure.Kind.BUSY, "cannot remove snapshot " + key + ": " + each.key() + " stands on it");
            }
        }
    }

    @Override
    public Usage usage(SnapshotKey key) throws DriverException {
        try {
            Snapshot snapshot = find(key).orElseThrow(() -> missing(key));
            Path own = snapshot.committed() ? shelf.committed(key) : shelf.active(key);
            Optional<Usage> kept = snapshot.committed() ? shelf.usage(own) : Optional.empty();
            if (kept.isPresent()) {
                return kept.get();
            }
            try (Dir content = tree.open(Shelf.content(own))) {
                Extent extent = Extent.of(content);
                return new Usage(extent.sizeBytes(), extent.inodes());
            }
        } catch (IOException e) {
            throw failed("cannot measure snapshot " + key, e);
        }
    }

    @Override
    public List<Snapshot> survey() throws DriverException {
        try {
            shelf.prepareRoot();
            shelf.sweep();
            for (SnapshotKey key : shelf.allCommitted()) {
                if (Files.exists(Shelf.work(shelf.committed(key)))) {
                    files.removeTree(Shelf.work(shelf.committed(key)));
                }
            }
            return everything();
        } catch (IOException e) {
            throw failed("cannot list the snapshots in " + root, e);
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
            Path own = snapshot.committed() ? shelf.committed(key) : shelf.active(key);
            Dir upper = tree.open(Shelf.content(own));
            try {
                Optional<Dir> below = snapshot.parent().equals(SnapshotKey.SCRATCH)
                        ? Optional.empty()
                        : Optional.of(tree.open(Shelf.content(shelf.committed(snapshot.parent()))));
                return Packer.upper(upper, below);
            } catch (IOException e) {
                upper.close();
                throw e;
            }
        } catch (IOException e) {
            throw failed("cannot read the changes of snapshot " + key, e);
        }
    }

    @Override
    public List<FileChange> changes(SnapshotKey key) throws DriverException {
        List<Dir> lowers = new ArrayList<>();
        try {
            Snapshot snapshot = find(key).orElseThrow(() -> missing(key));
            Path own = snapshot.committed() ? shelf.committed(key) : shelf.active(key);
            for (Path lower : chain(snapshot.parent())) {
                lowers.add(tree.open(lower));
            }
            try (Dir upper = tree.open(Shelf.content(own))) {
                return Changes.upper(upper, lowers);
            }
        } catch (IOException e) {
            throw failed("cannot read the changes of snapshot " + key, e);
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
        Optional<SnapshotKey> parent = parentOf(path);
        if (parent.isEmpty() && Files.exists(path)) {
            log.warn("a snapshot without a parent is left out path={}", path);
        }
        return parent.map(p -> new Snapshot(key, p, committed));
    }

    private Optional<SnapshotKey> parentOf(Path snapshot) throws IOException {
        try {
            return shelf.parent(snapshot);
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    private void requireParent(SnapshotKey parent) throws IOException, DriverException {
        if (!parent.equals(SnapshotKey.SCRATCH)
                && parentOf(shelf.committed(parent)).isEmpty()) {
            throw failure(Failure.Kind.MISSING, "no committed snapshot " + parent + " to stand on");
        }
    }

    private static Snapshot matching(Snapshot there, SnapshotKey parent, boolean committed) throws DriverException {
        if (!there.parent().equals(parent) || there.committed() != committed) {
            throw failure(
                    Failure.Kind.EXISTS,
                    "snapshot " + there.key() + " is already there, " + (there.committed() ? "committed" : "active")
                            + " on " + there.parent());
        }
        return there;
    }

    /** What was begun is the snapshot now, unless another caller's came first. */
    private Snapshot settle(Path begun, Optional<Snapshot> first, Snapshot own) throws DriverException {
        if (first.isEmpty()) {
            shelf.done(begun);
            return own;
        }
        discard(begun);
        return matching(first.get(), own.parent(), own.committed());
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

    private static DriverException failed(String what, IOException cause) {
        return Failures.failed(what, cause);
    }
}
