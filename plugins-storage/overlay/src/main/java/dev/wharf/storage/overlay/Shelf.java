package dev.wharf.storage.overlay;

import dev.wharf.spi.kernel.FileCalls;
import dev.wharf.spi.storage.SnapshotKey;
import dev.wharf.spi.storage.Usage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Pattern;

/**
 * Where snapshots lie on disk.
 *
 * <pre>
 * committed/KEY/fs          the changes of a sealed snapshot
 * active/KEY/fs, work       the changes of a writable one, and what overlayfs needs beside it
 * new/N                     something being made or removed; nobody's once the agent is gone
 * </pre>
 *
 * <p>A snapshot appears, is sealed and disappears by one rename, so a crash leaves it as it was or as it was to be. What else
 * there is to know of it stands in extended attributes of {@code KEY}: they take no inode and, for a parent that is a layer,
 * no block either.
 */
final class Shelf {
    private static final String PARENT = "trusted.wharf.parent";
    private static final String USAGE = "trusted.wharf.usage";
    private static final String LIMIT = "trusted.wharf.limit";
    private static final String VOLATILE = "trusted.wharf.volatile";
    private static final String LAYER = "layer-";
    private static final long FEW_FILES = 64;
    private static final long FEW_BYTES = 8 << 20;
    private static final Pattern LAYER_KEY = Pattern.compile(LAYER + "[0-9a-f]{64}");
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

    /**
     * From when on what lies in {@code new} may be another driver's work: while one hands over to another, both are there, and
     * neither knows what the other has begun.
     */
    private volatile Instant shared = Instant.MAX;

    Shelf(Path root, FileCalls files) {
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

    static Path work(Path snapshot) {
        return snapshot.resolve("work");
    }

    /** A new empty directory of the caller's, to be given to {@link #done} or {@link #discard} in the end. */
    Path begin() throws IOException {
        String name = Long.toString(number.incrementAndGet(), 36);
        inWork.add(name);
        Path path = fresh.resolve(name);
        try {
            Files.createDirectory(path, OURS_ALONE);
        } catch (NoSuchFileException e) {
            prepareRoot();
            Files.createDirectory(path, OURS_ALONE);
        }
        return path;
    }

    /** A name in {@code new} to move something to that is to go away. */
    Path doomed() {
        String name = Long.toString(number.incrementAndGet(), 36);
        inWork.add(name);
        return fresh.resolve(name);
    }

    /** The directory was moved to its place. */
    void done(Path begun) {
        inWork.remove(begun.getFileName().toString());
    }

    /**
     * Makes what was written to a snapshot durable. A small one is forced file by file, since syncfs(2) waits for everything that
     * anybody on the host has written and the disk has not.
     */
    void settle(Path snapshot, Usage usage) throws IOException {
        if (usage.inodes() > FEW_FILES || usage.sizeBytes() > FEW_BYTES || !forceEach(snapshot)) {
            files.syncFileSystem(snapshot);
        }
    }

    /** Whether it could be done: paths may be longer than a system call takes, or names such as Java cannot spell. */
    private static boolean forceEach(Path snapshot) {
        try {
            Files.walkFileTree(snapshot, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult visitFile(Path file, BasicFileAttributes facts) throws IOException {
                    // A link, a device and a whiteout are nothing but their entries in a directory.
                    if (facts.isRegularFile()) {
                        force(file);
                    }
                    return FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult postVisitDirectory(Path directory, IOException wrong) throws IOException {
                    if (wrong != null) {
                        throw wrong;
                    }
                    force(directory);
                    return FileVisitResult.CONTINUE;
                }
            });
            return true;
        } catch (IOException | InvalidPathException e) {
            return false;
        }
    }

    private static void force(Path path) throws IOException {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS)) {
            channel.force(true);
        }
    }

    /** Removes what was begun; what cannot be removed now is left to the next survey. */
    void discard(Path begun) throws IOException {
        try {
            files.removeTree(begun);
        } finally {
            inWork.remove(begun.getFileName().toString());
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

    static void makeDirectory(Path path) throws IOException {
        Files.createDirectory(path, OURS_ALONE);
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
        shared = ProcessHandle.current().info().startInstant().orElse(Instant.MAX);
    }

    /** Removes what earlier processes began and did not end. */
    void sweep() throws IOException {
        try (DirectoryStream<Path> paths = Files.newDirectoryStream(fresh)) {
            for (Path path : paths) {
                if (!inWork.contains(path.getFileName().toString())
                        && Instant.ofEpochMilli(path.toFile().lastModified()).isBefore(shared)) {
                    files.removeTree(path);
                }
            }
        }
    }

    /** Where overlayfs notes that it mounted something volatile. */
    static Path volatileMark(Path snapshot) {
        return work(snapshot).resolve("work").resolve("incompat").resolve("volatile");
    }

    // ---- what is known of a snapshot ----

    /** The boot of the host in which a snapshot was last mounted volatile. */
    Optional<String> volatileBoot(Path snapshot) throws IOException {
        return Optional.ofNullable(files.xattrs(snapshot).get(VOLATILE))
                .map(bytes -> new String(bytes, StandardCharsets.US_ASCII));
    }

    void setVolatileBoot(Path snapshot, String boot) throws IOException {
        files.setXattr(snapshot, VOLATILE, boot.getBytes(StandardCharsets.US_ASCII));
    }

    boolean hasLimit(Path snapshot) throws IOException {
        return files.xattrs(snapshot).containsKey(LIMIT);
    }

    void setLimit(Path snapshot, long sizeBytes) throws IOException {
        files.setXattr(snapshot, LIMIT, Long.toString(sizeBytes).getBytes(StandardCharsets.US_ASCII));
    }

    void setParent(Path snapshot, SnapshotKey parent) throws IOException {
        files.setXattr(snapshot, PARENT, encode(parent));
    }

    void setUsage(Path snapshot, Usage usage) throws IOException {
        String text = usage.sizeBytes() + " " + usage.inodes();
        files.setXattr(snapshot, USAGE, text.getBytes(StandardCharsets.US_ASCII));
    }

    /** The parent of a snapshot; empty where it does not say, so it was not made by this driver. */
    Optional<SnapshotKey> parent(Path snapshot) throws IOException {
        return Optional.ofNullable(files.xattrs(snapshot).get(PARENT)).map(Shelf::decode);
    }

    Optional<Usage> usage(Path snapshot) throws IOException {
        Map<String, byte[]> xattrs = files.xattrs(snapshot);
        return Optional.ofNullable(xattrs.get(USAGE)).map(bytes -> {
            String[] words = new String(bytes, StandardCharsets.US_ASCII).split(" ", 2);
            return new Usage(Long.parseLong(words[0]), Long.parseLong(words[1]));
        });
    }

    /** {@code L} and the 32 bytes of a layer's digest, since the room for attributes inside an inode is small, or {@code K} and text. */
    private static byte[] encode(SnapshotKey key) {
        if (LAYER_KEY.matcher(key.value()).matches()) {
            byte[] digest = HexFormat.of().parseHex(key.value().substring(LAYER.length()));
            return ByteBuffer.allocate(1 + digest.length)
                    .put((byte) 'L')
                    .put(digest)
                    .array();
        }
        return ("K" + key.value()).getBytes(StandardCharsets.US_ASCII);
    }

    private static SnapshotKey decode(byte[] bytes) {
        return new SnapshotKey(
                bytes.length == 33 && bytes[0] == 'L'
                        ? LAYER + HexFormat.of().formatHex(bytes, 1, bytes.length)
                        : new String(bytes, 1, Math.max(0, bytes.length - 1), StandardCharsets.US_ASCII));
    }
}
