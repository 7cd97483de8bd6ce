package dev.wharf.storage.overlay;

import static dev.wharf.spi.DriverException.failure;

import dev.wharf.model.DriverName;
import dev.wharf.model.FileChange;
import dev.wharf.oci.layer.Dir;
import dev.wharf.oci.layer.Limits;
import dev.wharf.oci.layer.Node;
import dev.wharf.oci.layer.Tree;
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
import dev.wharf.storage.shelves.Failures;
import dev.wharf.storage.shelves.OverlayOptions;
import dev.wharf.storage.shelves.Settling;
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
 * it stacks these directories.
 *
 * <pre>
 * committed/KEY/fs          the changes of a sealed snapshot
 * active/KEY/fs, work       the changes of a writable one, and what overlayfs needs beside it
 * new/N                     something being made or removed; nobody's once the agent is gone
 * </pre>
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
        implements StorageDriver,
                StorageDriver.Diffing,
                StorageDriver.Receiving,
                StorageDriver.Limiting,
                StorageDriver.Forgetting,
                StorageDriver.Passing {
    private static final Logger log = LoggerFactory.getLogger(OverlayDriver.class);
    private static final DriverName NAME = new DriverName("overlay");
    private static final Format FORMAT = new Format("overlay-tree", 1);
    private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");

    private final Path root;
    private final Shelf shelf;
    private final Attributes notes;
    private final Snapshots snapshots;
    private final Stacks stacks;
    private final FileCalls files;
    private final Tree tree;
    private final MountCalls mounts;
    private final ProjectQuotas quotas;
    private volatile boolean isVolatile;

    @Activate
    public OverlayDriver(
            BundleContext context,
            Map<String, Object> configuration,
            @Reference FileCalls files,
            @Reference Tree tree,
            @Reference MountCalls mounts,
            @Reference ProjectQuotas quotas) {
        this(Shelf.home(context, "overlay"), files, tree, mounts, quotas, Limits.DEFAULT);
        changed(configuration);
        shelf.shareWithOthersOfThisAgent();
        shelf.removeBehindTheBack();
    }

    /** Keeps everything below {@code root}, which need not be there yet. */
    public OverlayDriver(
            Path root, FileCalls files, Tree tree, MountCalls mounts, ProjectQuotas quotas, Limits limits) {
        this.root = root;
        this.notes = new Attributes(files);
        this.shelf = new Shelf(root, Trial.unmounting(mounts, this::removeAll));
        this.snapshots = new Snapshots(shelf, notes, files, Settling.bySize(notes, files));
        this.stacks = new Stacks(
                shelf, snapshots, notes, files, tree, limits, committed -> tree.open(Shelf.content(committed)));
        this.files = files;
        this.tree = tree;
        this.mounts = mounts;
        this.quotas = quotas;
    }

    private void removeAll(Path path) throws IOException {
        unlimit(path);
        files.removeTree(path);
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
    public Snapshot commit(SnapshotKey key, SnapshotKey name) throws DriverException {
        return snapshots.commit(key, name, active -> {
            Path from = shelf.active(key);
            try (Dir content = tree.open(Shelf.content(from))) {
                notes.setUsage(from, Stacks.measure(content));
            }
            unlimit(from);
            Snapshot sealed = snapshots.rename(active, name);
            // A crash before this line leaves the work directory to the next survey.
            removeWork(name);
            return sealed;
        });
    }

    private void removeWork(SnapshotKey sealed) throws IOException {
        files.removeTree(Shelf.work(shelf.committed(sealed)));
    }

    @Override
    public Snapshot unpack(SnapshotKey name, SnapshotKey parent, InputStream layer) throws DriverException {
        return snapshots.unpack(name, parent, begun -> {
            stacks.makeContent(begun, parent);
            notes.setUsage(begun, stacks.unpack(begun, parent, layer));
        });
    }

    @Override
    public Snapshot receive(SnapshotKey key, SnapshotKey parent, InputStream changes) throws DriverException {
        return snapshots.receive(key, parent, begun -> {
            stacks.makeWritable(begun, parent);
            stacks.unpack(begun, parent, changes);
        });
    }

    @Override
    public List<Mount> mounts(SnapshotKey key) throws DriverException {
        return mounts(key, isVolatile);
    }

    @Override
    public List<Mount> passingMounts(SnapshotKey key) throws DriverException {
        return mounts(key, true);
    }

    private List<Mount> mounts(SnapshotKey key, boolean unsynced) throws DriverException {
        return snapshots.look("cannot find the layers of snapshot", key, snapshot -> {
            Path own = snapshots.place(snapshot);
            List<Path> lowers = new ArrayList<>();
            for (SnapshotKey each : snapshots.chain(snapshot.parent())) {
                lowers.add(Shelf.content(shelf.committed(each)));
            }
            if (lowers.isEmpty()) {
                String access = snapshot.committed() ? "ro" : "rw";
                return List.of(new Mount("bind", Shelf.content(own).toString(), List.of("bind", access)));
            }
            if (snapshot.committed()) {
                lowers.add(0, Shelf.content(own));
                return List.of(OverlayOptions.readOnly(lowers));
            }
            settleVolatile(key, own, unsynced);
            Optional<Long> limit = notes.limit(own);
            if (limit.isPresent()) {
                quotas.makeRoom(own, limit.get());
            }
            return List.of(OverlayOptions.writable(lowers, Shelf.content(own), Shelf.work(own), unsynced));
        });
    }

    /**
     * Overlayfs leaves a mark in the work directory of what it mounts volatile, and mounts it never again while that is there.
     * As long as the host runs nothing can be missing, so the mark goes; after that nobody can tell.
     */
    private void settleVolatile(SnapshotKey key, Path own, boolean unsynced) throws IOException, DriverException {
        String boot = Files.readString(BOOT_ID).strip();
        Path mark = volatileMark(own);
        if (Files.exists(mark)) {
            if (!notes.volatileBoot(own).equals(Optional.of(boot))) {
                throw failure(
                        Failure.Kind.CORRUPT,
                        "snapshot " + key
                                + " was mounted volatile when the host went down, and may be incomplete; make the"
                                + " container anew, or take what is left with docker export");
            }
            files.removeTree(mark);
        }
        if (unsynced) {
            notes.setVolatileBoot(own, boot);
        }
    }

    /** Where overlayfs notes that it mounted something volatile. */
    private static Path volatileMark(Path snapshot) {
        return Shelf.work(snapshot).resolve("work").resolve("incompat").resolve("volatile");
    }

    @Override
    public void limit(SnapshotKey key, long sizeBytes) throws DriverException {
        try {
            Path own = shelf.active(key);
            if (notes.parent(own).isEmpty()) {
                throw Snapshots.missing(key);
            }
            Optional<String> obstacle = quotas.obstacle(root);
            if (obstacle.isPresent()) {
                throw failure(
                        Failure.Kind.UNSUPPORTED, "the size of a container cannot be limited here: " + obstacle.get());
            }
            notes.setLimit(own, sizeBytes);
            quotas.limit(own, sizeBytes);
        } catch (IOException e) {
            throw Failures.failed("cannot limit snapshot " + key + " to " + sizeBytes + " bytes", e);
        }
    }

    /** Gives a limit back, whose number would be another directory's one day. */
    private void unlimit(Path snapshot) throws IOException {
        if (notes.limit(snapshot).isPresent()) {
            quotas.forget(snapshot);
        }
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
        return snapshots.survey(this::removeWork);
    }

    @Override
    public void forget(SnapshotKey key, List<String> paths) throws DriverException {
        try (Dir content = tree.open(Shelf.content(shelf.active(key)))) {
            for (String path : paths) {
                forget(content, path.endsWith("/") ? path.substring(0, path.length() - 1) : path);
            }
        } catch (IOException e) {
            throw Failures.failed("cannot take back changes of snapshot " + key, e);
        }
    }

    /** What went was no change of the directory that it was in, either. */
    private static void forget(Dir directory, String path) throws IOException {
        int slash = path.indexOf('/');
        String name = slash < 0 ? path : path.substring(0, slash);
        Optional<Node> there = directory.look(name);
        if (there.isEmpty()) {
            return;
        }
        if (slash < 0) {
            Node before = directory.look(".").orElseThrow();
            directory.remove(name);
            directory.setTimes(".", before.modifiedSeconds(), before.modifiedNanos());
        } else {
            try (Dir below = directory.enter(name)) {
                forget(below, path.substring(slash + 1));
            }
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
