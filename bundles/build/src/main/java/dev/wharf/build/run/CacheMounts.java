package dev.wharf.build.run;

import dev.wharf.model.Digest;
import dev.wharf.spi.kernel.FileCalls;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.FileVisitor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The folders of one step that {@code --mount=type=cache} keeps over builds, until {@link #close}. What a step uses is not removed;
 * one that is used alone is waited for; and of a private one each step that runs at the same time has its own.
 */
public final class CacheMounts implements AutoCloseable {
    /** Beside each folder, its id; when that was last touched the folder was last used. */
    private static final String NOTE = ".id";

    /** How many steps use a folder now; guarded by the class, as is the next. */
    private static final Map<Path, Integer> USED = new HashMap<>();

    private static final Set<Path> ALONE = new HashSet<>();

    private final Path all;
    private final List<Path> mine = new ArrayList<>();
    private final Set<Path> held = new HashSet<>();

    CacheMounts(Path all) {
        this.all = all;
    }

    private Path folder(String id, int copy) {
        return all.resolve(Digest.sha256(id).hex() + (copy == 0 ? "" : "-" + copy));
    }

    /** A folder that may not be there yet. */
    Path share(String id) throws IOException {
        synchronized (CacheMounts.class) {
            return taken(id, folder(id, 0));
        }
    }

    /** One that nobody else uses now, and that is used again. */
    Path own(String id) throws IOException {
        synchronized (CacheMounts.class) {
            int copy = 0;
            while (USED.containsKey(folder(id, copy))) {
                copy++;
            }
            return taken(id, folder(id, copy));
        }
    }

    /** Waits until no other step is alone with it. Who wants several asks in the order of their ids. */
    Path alone(String id) throws IOException, InterruptedException {
        Path folder = folder(id, 0);
        synchronized (CacheMounts.class) {
            if (!held.contains(folder)) {
                while (!ALONE.add(folder)) {
                    CacheMounts.class.wait();
                }
                held.add(folder);
            }
            return taken(id, folder);
        }
    }

    private Path taken(String id, Path folder) throws IOException {
        USED.merge(folder, 1, Integer::sum);
        mine.add(folder);
        Files.createDirectories(all);
        Files.writeString(note(folder), id);
        return folder;
    }

    /** What tells of a folder that is kept, beside it. */
    static Path note(Path folder) {
        return folder.resolveSibling(folder.getFileName() + NOTE);
    }

    @Override
    public void close() throws IOException {
        synchronized (CacheMounts.class) {
            for (Path folder : mine) {
                USED.computeIfPresent(folder, (f, users) -> users == 1 ? null : users - 1);
                if (Files.exists(note(folder))) {
                    Files.setLastModifiedTime(note(folder), FileTime.from(Instant.now()));
                }
            }
            mine.clear();
            ALONE.removeAll(held);
            held.clear();
            CacheMounts.class.notifyAll();
        }
    }

    // ---- what is kept

    /**
     * A folder that is kept.
     *
     * @param id what Dockerfiles call it
     */
    public record Kept(String name, String id, Path folder, Instant lastUse, boolean inUse, long sizeBytes) {}

    public static List<Kept> list(Path all) throws IOException {
        return list(all, CacheMounts::sizeBytes);
    }

    /** How large a folder is. */
    interface Measure {
        long sizeBytes(Path folder) throws IOException;
    }

    static List<Kept> list(Path all, Measure measure) throws IOException {
        List<Kept> kept = new ArrayList<>();
        if (!Files.isDirectory(all)) {
            return kept;
        }
        try (Stream<Path> folders = Files.list(all)) {
            for (Path folder : folders.filter(Files::isDirectory).toList()) {
                String name = folder.getFileName().toString();
                boolean noted = Files.exists(note(folder));
                Path dated = noted ? note(folder) : folder;
                boolean inUse;
                synchronized (CacheMounts.class) {
                    inUse = USED.containsKey(folder);
                }
                kept.add(new Kept(
                        name,
                        noted ? Files.readString(dated, StandardCharsets.UTF_8) : name,
                        folder,
                        Files.getLastModifiedTime(dated).toInstant(),
                        inUse,
                        measure.sizeBytes(folder)));
            }
        }
        return kept;
    }

    /** Whether one was last used before a time. Cheap, since it is asked after each build. */
    public static boolean areOlder(Path all, Instant time) throws IOException {
        if (!Files.isDirectory(all)) {
            return false;
        }
        try (Stream<Path> files = Files.list(all)) {
            for (Path note : files.filter(f -> f.toString().endsWith(NOTE)).toList()) {
                if (Files.getLastModifiedTime(note).toInstant().isBefore(time)) {
                    return true;
                }
            }
        }
        return false;
    }

    private static long sizeBytes(Path folder) throws IOException {
        long[] size = new long[1];
        FileVisitor<Path> adder = new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                size[0] += attributes.isRegularFile() ? attributes.size() : 0;
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException gone) {
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path directory, IOException gone) {
                return FileVisitResult.CONTINUE;
            }
        };
        Files.walkFileTree(folder, adder);
        return size[0];
    }

    /** Removes one that no step uses; false where one does. */
    public static boolean remove(Kept kept, FileCalls files) throws IOException {
        Path doomed = kept.folder().resolveSibling(kept.name() + ".gone");
        synchronized (CacheMounts.class) {
            if (USED.containsKey(kept.folder())) {
                return false;
            }
            Files.deleteIfExists(note(kept.folder()));
            files.renameDurably(kept.folder(), doomed);
        }
        files.removeTree(doomed);
        return true;
    }
}
