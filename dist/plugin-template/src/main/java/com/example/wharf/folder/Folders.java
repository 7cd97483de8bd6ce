package com.example.wharf.folder;

import dev.wharf.spi.kernel.FileCalls;
import dev.wharf.spi.storage.SnapshotKey;
import dev.wharf.spi.storage.Usage;
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
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Where snapshots lie on disk.
 *
 * <pre>
 * committed/KEY/fs, parent, usage    a sealed snapshot, whole; only a layer knows its usage
 * active/KEY/fs, parent              a writable one, whole
 * new/N                              something being made or removed; nobody's once the agent is gone
 * </pre>
 *
 * <p>A snapshot appears, is sealed and disappears by one rename, so a crash leaves it as it was or as it was to be.
 */
final class Folders {
    private static final FileAttribute<Set<PosixFilePermission>> OURS_ALONE =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

    private final Path root;
    private final Path committed;
    private final Path active;
    private final Path fresh;
    private final FileCalls files;
    /** Names in {@code new} that this process is working on, which a survey must leave alone. */
    private final Set<String> inWork = ConcurrentHashMap.newKeySet();

    private final AtomicLong number = new AtomicLong(System.nanoTime());

    /** Begins each name in {@code new}, so that another driver of this process knows them, and the next process does not. */
    private final String ours = wordOfThisProcess();

    /**
     * Whether what this process has in {@code new} may be another driver's work: while one hands over to another, both are
     * there, and neither knows what the other has begun.
     */
    private volatile boolean shared;

    Folders(Path root, FileCalls files) {
        this.root = root;
        this.committed = root.resolve("committed");
        this.active = root.resolve("active");
        this.fresh = root.resolve("new");
        this.files = files;
    }

    Path committed(SnapshotKey key) {
        return committed.resolve(key.value());
    }

    Path active(SnapshotKey key) {
        return active.resolve(key.value());
    }

    static Path content(Path snapshot) {
        return snapshot.resolve("fs");
    }

    /** A new directory with an empty file system in it, to be given to {@link #done} or {@link #discard} in the end. */
    Path begin(SnapshotKey parent) throws IOException {
        Path path = doomed();
        try {
            Files.createDirectory(path, OURS_ALONE);
        } catch (NoSuchFileException e) {
            prepareRoot();
            Files.createDirectory(path, OURS_ALONE);
        }
        Files.createDirectory(content(path), OURS_ALONE);
        files.chmod(content(path), 0755);
        Files.writeString(path.resolve("parent"), parent.value());
        return path;
    }

    /** A name in {@code new} to move something to that is to go away. */
    Path doomed() {
        String name = ours + Long.toString(number.incrementAndGet(), 36);
        inWork.add(name);
        return fresh.resolve(name);
    }

    /** The directory was moved to its place. */
    void done(Path begun) {
        inWork.remove(begun.getFileName().toString());
    }

    /** Removes what was begun; what cannot be removed now is left to the next survey. */
    void discard(Path begun) throws IOException {
        try {
            files.removeTree(begun);
        } finally {
            done(begun);
        }
    }

    void prepareRoot() throws IOException {
        Files.createDirectories(root, OURS_ALONE);
        for (Path each : List.of(committed, active, fresh)) {
            try {
                Files.createDirectory(each, OURS_ALONE);
            } catch (FileAlreadyExistsException e) {
                // From an earlier start.
            }
        }
    }

    List<SnapshotKey> allCommitted() throws IOException {
        return keys(committed);
    }

    List<SnapshotKey> allActive() throws IOException {
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
    void shareWithOthersOfThisAgent() {
        shared = true;
    }

    /** A process id alone may come again, as it does where the agent is the first process of a container. */
    private static String wordOfThisProcess() {
        ProcessHandle me = ProcessHandle.current();
        long since = me.info().startInstant().orElse(Instant.EPOCH).toEpochMilli();
        return Long.toString(me.pid(), 36) + "-" + Long.toString(since, 36) + "-";
    }

    /** Removes what earlier processes began and did not end. */
    void sweep() throws IOException {
        try (DirectoryStream<Path> paths = Files.newDirectoryStream(fresh)) {
            for (Path path : paths) {
                String name = path.getFileName().toString();
                if (shared ? !name.startsWith(ours) : !inWork.contains(name)) {
                    files.removeTree(path);
                }
            }
        }
    }

    Optional<SnapshotKey> parent(Path snapshot) throws IOException {
        return read(snapshot.resolve("parent")).map(SnapshotKey::new);
    }

    Optional<Usage> usage(Path snapshot) throws IOException {
        return read(snapshot.resolve("usage")).map(text -> {
            String[] words = text.split(" ", 2);
            return new Usage(Long.parseLong(words[0]), Long.parseLong(words[1]));
        });
    }

    void setUsage(Path snapshot, Usage usage) throws IOException {
        Files.writeString(snapshot.resolve("usage"), usage.sizeBytes() + " " + usage.inodes());
    }

    private static Optional<String> read(Path file) throws IOException {
        try {
            return Optional.of(Files.readString(file));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }
}
