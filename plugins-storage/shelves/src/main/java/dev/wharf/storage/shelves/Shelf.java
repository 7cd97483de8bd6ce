package dev.wharf.storage.shelves;

import dev.wharf.spi.storage.SnapshotKey;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.osgi.framework.BundleContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where snapshots lie on disk. What is in a snapshot's directory is its driver's own.
 *
 * <pre>
 * committed/KEY    a sealed snapshot
 * active/KEY       a writable one
 * new/N            something being made or removed; nobody's once the agent is gone
 * </pre>
 */
public final class Shelf {
    private static final Logger log = LoggerFactory.getLogger(Shelf.class);

    private static final int MOST_DOOMED = 64;

    private static final FileAttribute<Set<PosixFilePermission>> OURS_ALONE =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

    private final Path root;
    private final Path committed;
    private final Path active;
    private final Path fresh;
    private final Removal removal;
    /** Names in {@code new} that this process is working on, which a survey must leave alone. */
    private final Set<String> inWork = ConcurrentHashMap.newKeySet();

    /** A thread that is there only while there is something to remove. */
    private volatile Optional<Executor> removers = Optional.empty();

    private final AtomicLong number = new AtomicLong(System.nanoTime());

    /** Begins each name in {@code new}, so that another driver of this process knows them, and the next process does not. */
    private final String ours = wordOfThisProcess();

    /**
     * Whether what this process has in {@code new} may be another driver's work: while one hands over to another, both are
     * there, and neither knows what the other has begun.
     */
    private volatile boolean shared;

    /** How a driver removes what it made in a directory, and the directory; some of it may never have been made. */
    public interface Removal {
        void remove(Path directory) throws IOException;
    }

    /** Keeps everything below {@code root}, which need not be there yet. */
    public Shelf(Path root, Removal removal) {
        this.root = root;
        this.committed = root.resolve("committed");
        this.active = root.resolve("active");
        this.fresh = root.resolve("new");
        this.removal = removal;
    }

    private static Thread remover(Runnable task) {
        Thread thread = new Thread(task, "wharf-storage-remover");
        thread.setDaemon(true);
        return thread;
    }

    /** Where the agent keeps a driver's snapshots unless it is told otherwise. */
    public static Path home(BundleContext context, String driver) {
        String property = context.getProperty("wharf.data.root");
        if (property == null) {
            throw new IllegalStateException("the framework property wharf.data.root is not set");
        }
        return Path.of(property).resolve("storage").resolve(driver);
    }

    public Path root() {
        return root;
    }

    public Path committed(SnapshotKey key) {
        return committed.resolve(key.value());
    }

    public Path active(SnapshotKey key) {
        return active.resolve(key.value());
    }

    /** The files of a snapshot, or its changes. */
    public static Path content(Path snapshot) {
        return snapshot.resolve("fs");
    }

    /** What overlayfs needs beside the changes of a writable snapshot. */
    public static Path work(Path snapshot) {
        return snapshot.resolve("work");
    }

    public static void makeDirectory(Path path) throws IOException {
        Files.createDirectory(path, OURS_ALONE);
    }

    /** A new empty directory of the caller's, to be given to {@link #done} or {@link #discard} in the end. */
    public Path begin() throws IOException {
        Path path = doomed();
        try {
            makeDirectory(path);
        } catch (NoSuchFileException e) {
            prepareRoot();
            makeDirectory(path);
        }
        return path;
    }

    /** A name in {@code new} to move something to that is to go away. */
    public Path doomed() {
        String name = ours + Long.toString(number.incrementAndGet(), 36);
        inWork.add(name);
        return fresh.resolve(name);
    }

    /** The directory was moved to its place. */
    public void done(Path begun) {
        inWork.remove(begun.getFileName().toString());
    }

    /**
     * Removes what was moved to a {@link #doomed} name, by a thread of its own where {@link #removeBehindTheBack} was said; with
     * much waiting for that, the caller does it.
     */
    public void discardSoon(Path doomed) throws IOException {
        if (removers.isEmpty()) {
            discard(doomed);
            return;
        }
        removers.get().execute(() -> {
            try {
                sweep(doomed);
            } finally {
                done(doomed);
            }
        });
    }

    /** Removes what was begun; what cannot be removed now is left to the next survey. */
    public void discard(Path begun) throws IOException {
        try {
            removal.remove(begun);
        } finally {
            done(begun);
        }
    }

    public void prepareRoot() throws IOException {
        Files.createDirectories(root, OURS_ALONE);
        for (Path each : List.of(committed, active, fresh)) {
            try {
                makeDirectory(each);
            } catch (FileAlreadyExistsException e) {
                // From an earlier start.
            }
        }
    }

    public List<SnapshotKey> allCommitted() throws IOException {
        return keys(committed);
    }

    public List<SnapshotKey> allActive() throws IOException {
        return keys(active);
    }

    private static List<SnapshotKey> keys(Path directory) throws IOException {
        List<SnapshotKey> keys = new ArrayList<>();
        try (DirectoryStream<Path> paths = Files.newDirectoryStream(directory)) {
            for (Path path : paths) {
                keys.add(new SnapshotKey(path.getFileName().toString()));
            }
        } catch (IllegalArgumentException e) {
            throw new IOException("something that is no snapshot lies in " + directory + ": " + e.getMessage(), e);
        }
        keys.sort(Comparator.comparing(SnapshotKey::value));
        return keys;
    }

    /** Leaves alone what this agent has begun, by whichever driver; what an agent before it left is swept. */
    public void shareWithOthersOfThisAgent() {
        shared = true;
    }

    /** From now on nobody waits for what is removed: of a container that ran, that takes longer than all else about its end. */
    public void removeBehindTheBack() {
        removers = Optional.of(new ThreadPoolExecutor(
                0,
                1,
                1,
                TimeUnit.SECONDS,
                new ArrayBlockingQueue<>(MOST_DOOMED),
                Shelf::remover,
                new ThreadPoolExecutor.CallerRunsPolicy()));
    }

    /** A process id alone may come again, as it does where the agent is the first process of a container. */
    private static String wordOfThisProcess() {
        ProcessHandle me = ProcessHandle.current();
        long since = me.info().startInstant().orElse(Instant.EPOCH).toEpochMilli();
        return Long.toString(me.pid(), 36) + "-" + Long.toString(since, 36) + "-";
    }

    /** One thing that cannot be swept says nothing of the snapshots there. */
    private void sweep(Path left) {
        try {
            removal.remove(left);
        } catch (IOException e) {
            log.warn("cannot clean up now, the next survey will path={} reason={}", left, e.getMessage());
        }
    }

    /** Removes what earlier processes began and did not end. */
    public void sweep() throws IOException {
        try (DirectoryStream<Path> paths = Files.newDirectoryStream(fresh)) {
            for (Path path : paths) {
                String name = path.getFileName().toString();
                if (shared ? !name.startsWith(ours) : !inWork.contains(name)) {
                    sweep(path);
                }
            }
        }
    }
}
