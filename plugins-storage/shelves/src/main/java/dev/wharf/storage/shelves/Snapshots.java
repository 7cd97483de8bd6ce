package dev.wharf.storage.shelves;

import static dev.wharf.spi.DriverException.failure;

import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.kernel.FileCalls;
import dev.wharf.spi.storage.Snapshot;
import dev.wharf.spi.storage.SnapshotKey;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Snapshots on a shelf: each appears, is sealed and disappears by one rename, so a crash leaves it as it was or as it was to be.
 * What is in one is for its driver to say. Holds nothing in memory but the names it is working on.
 */
public final class Snapshots {
    private static final Logger log = LoggerFactory.getLogger(Snapshots.class);
    /** As many as other engines allow, and fewer than overlayfs can stack. */
    private static final int MOST_LAYERS = 500;

    private final Shelf shelf;
    private final Notes notes;
    private final FileCalls files;
    private final Settling settling;
    /** Held while a parent is seen to be there and a child appears, and while a parent is seen to be childless and goes. */
    private final Object family = new Object();

    /** Puts into a new directory what makes it the snapshot. */
    public interface Filling {
        void fill(Path begun) throws IOException, DriverException;
    }

    /** Makes a committed snapshot of an active one. */
    public interface Sealing {
        Snapshot seal(Snapshot active) throws IOException, DriverException;
    }

    /** Ends for a committed snapshot what a crash may have cut short. */
    public interface Mending {
        void mend(SnapshotKey sealed) throws IOException, DriverException;
    }

    /** Looks at a snapshot, or does something to it. */
    public interface Look<T> {
        T at(Snapshot snapshot) throws IOException, DriverException;
    }

    public Snapshots(Shelf shelf, Notes notes, FileCalls files) {
        this(shelf, notes, files, files::syncFileSystem);
    }

    public Snapshots(Shelf shelf, Notes notes, FileCalls files, Settling settling) {
        this.shelf = shelf;
        this.notes = notes;
        this.files = files;
        this.settling = settling;
    }

    // ---- making ----

    public Snapshot prepare(SnapshotKey key, SnapshotKey parent, Filling filling) throws DriverException {
        try {
            // Not forced to disk: after a loss of power it is there whole or not at all, and asked for again.
            return make(new Snapshot(key, parent, false), filling, false);
        } catch (IOException e) {
            throw Failures.failed("cannot prepare snapshot " + key, e);
        }
    }

    public Snapshot unpack(SnapshotKey name, SnapshotKey parent, Filling filling) throws DriverException {
        try {
            return make(new Snapshot(name, parent, true), filling, true);
        } catch (IOException e) {
            throw Failures.failed("cannot unpack snapshot " + name, e);
        }
    }

    public Snapshot receive(SnapshotKey key, SnapshotKey parent, Filling filling) throws DriverException {
        try {
            // The original goes when this is told to be there, so it has to stay.
            return make(new Snapshot(key, parent, false), filling, true);
        } catch (IOException e) {
            throw Failures.failed("cannot receive snapshot " + key, e);
        }
    }

    /** Fills a new snapshot, and lets it appear, unless it is there or another caller's has appeared meanwhile. */
    public Snapshot make(Snapshot wanted, Filling filling, boolean durable) throws IOException, DriverException {
        Optional<Snapshot> there = find(wanted.key());
        if (there.isPresent()) {
            return matching(there.get(), wanted);
        }
        requireParent(wanted.parent());
        Path begun = shelf.begin();
        try {
            notes.setParent(begun, wanted.parent());
            filling.fill(begun);
            if (durable) {
                settling.settle(begun);
            }
            synchronized (family) {
                there = find(wanted.key());
                if (there.isEmpty()) {
                    requireParent(wanted.parent());
                    appear(begun, place(wanted), durable);
                }
            }
        } catch (IOException | DriverException | RuntimeException e) {
            discard(begun);
            throw e;
        }
        if (there.isEmpty()) {
            shelf.done(begun);
            return wanted;
        }
        discard(begun);
        return matching(there.get(), wanted);
    }

    private void appear(Path begun, Path place, boolean durable) throws IOException {
        if (durable) {
            files.renameDurably(begun, place);
        } else {
            Files.move(begun, place, StandardCopyOption.ATOMIC_MOVE);
        }
    }

    private void discard(Path begun) {
        try {
            shelf.discard(begun);
        } catch (IOException e) {
            log.warn("cannot clean up now, the next survey will path={} reason={}", begun, e.getMessage());
        }
    }

    /** Seals active {@code key} as committed {@code name}, unless that was done before. */
    public Snapshot commit(SnapshotKey key, SnapshotKey name, Sealing sealing) throws DriverException {
        try {
            Optional<Snapshot> sealed = read(name, shelf.committed(name), true);
            Optional<Snapshot> open = read(key, shelf.active(key), false);
            if (sealed.isEmpty()) {
                try {
                    return sealing.seal(open.orElseThrow(() -> missing(key)));
                } catch (IOException e) {
                    // Another caller may have sealed the same under this name meanwhile.
                    sealed = read(name, shelf.committed(name), true);
                    if (sealed.isEmpty()) {
                        throw e;
                    }
                }
            }
            if (open.isPresent()) {
                matching(sealed.get(), new Snapshot(name, open.get().parent(), true));
                remove(key);
            }
            return sealed.get();
        } catch (IOException e) {
            throw Failures.failed("cannot commit snapshot " + key + " as " + name, e);
        }
    }

    /** Makes an active snapshot the committed one {@code name}, as it is. */
    public Snapshot rename(Snapshot active, SnapshotKey name) throws IOException {
        Path from = shelf.active(active.key());
        settling.settle(from);
        files.renameDurably(from, shelf.committed(name));
        return new Snapshot(name, active.parent(), true);
    }

    public void remove(SnapshotKey key) throws DriverException {
        try {
            Path doomed = shelf.doomed();
            Optional<Snapshot> there;
            synchronized (family) {
                there = find(key);
                if (there.isEmpty()) {
                    shelf.done(doomed);
                    return;
                }
                requireNoChild(there.get());
                Files.move(place(there.get()), doomed, StandardCopyOption.ATOMIC_MOVE);
            }
            if (there.get().committed()) {
                // Images are removed to have their room back, so it is there when they are said to be gone.
                shelf.discard(doomed);
            } else {
                shelf.discardSoon(doomed);
            }
        } catch (IOException e) {
            throw Failures.failed("cannot remove snapshot " + key, e);
        }
    }

    /** A child that is whole needs nothing of its parent, but the port promises the same for all drivers. */
    private void requireNoChild(Snapshot snapshot) throws IOException, DriverException {
        for (Snapshot each : snapshot.committed() ? everything() : List.<Snapshot>of()) {
            if (each.parent().equals(snapshot.key())) {
                throw failure(
                        Failure.Kind.BUSY,
                        "cannot remove snapshot " + snapshot.key() + ": " + each.key() + " stands on it");
            }
        }
    }

    // ---- looking ----

    /** Sweeps what was begun and not ended, and lists what is there. */
    public List<Snapshot> survey(Mending mending) throws DriverException {
        try {
            shelf.prepareRoot();
            shelf.sweep();
            for (SnapshotKey sealed : shelf.allCommitted()) {
                mending.mend(sealed);
            }
            return everything();
        } catch (IOException e) {
            throw Failures.failed("cannot list the snapshots in " + shelf.root(), e);
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

    /**
     * Looks at the snapshot {@code key}, which must be there.
     *
     * @param cannot what to say when that fails, before the key: "cannot find snapshot"
     */
    public <T> T look(String cannot, SnapshotKey key, Look<T> look) throws DriverException {
        try {
            return look.at(find(key).orElseThrow(() -> missing(key)));
        } catch (IOException e) {
            throw Failures.failed(cannot + " " + key, e);
        }
    }

    public Optional<Snapshot> find(SnapshotKey key) throws IOException {
        Optional<Snapshot> sealed = read(key, shelf.committed(key), true);
        return sealed.isPresent() ? sealed : read(key, shelf.active(key), false);
    }

    private Optional<Snapshot> read(SnapshotKey key, Path path, boolean committed) throws IOException {
        Optional<SnapshotKey> parent = notes.parent(path);
        if (parent.isEmpty() && Files.exists(path)) {
            log.warn("a snapshot without a parent is left out path={}", path);
        }
        return parent.map(p -> new Snapshot(key, p, committed));
    }

    /** The directory of a snapshot. */
    public Path place(Snapshot snapshot) {
        return snapshot.committed() ? shelf.committed(snapshot.key()) : shelf.active(snapshot.key());
    }

    /** {@code key} and everything under it, topmost first; all committed. */
    public List<SnapshotKey> chain(SnapshotKey key) throws IOException, DriverException {
        List<SnapshotKey> chain = new ArrayList<>();
        for (SnapshotKey at = key; !at.equals(SnapshotKey.SCRATCH); ) {
            chain.add(at);
            if (chain.size() > MOST_LAYERS) {
                throw failure(Failure.Kind.CORRUPT, "snapshot " + key + " stands on too many others");
            }
            SnapshotKey missing = at;
            at = notes.parent(shelf.committed(at)).orElseThrow(() -> missing(missing));
        }
        return chain;
    }

    private void requireParent(SnapshotKey parent) throws IOException, DriverException {
        if (!parent.equals(SnapshotKey.SCRATCH)
                && notes.parent(shelf.committed(parent)).isEmpty()) {
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

    public static DriverException missing(SnapshotKey key) {
        return failure(Failure.Kind.MISSING, "no snapshot " + key);
    }
}
