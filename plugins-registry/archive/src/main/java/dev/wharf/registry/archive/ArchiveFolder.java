package dev.wharf.registry.archive;

import static dev.wharf.spi.DriverException.failure;

import dev.wharf.model.Repository;
import dev.wharf.oci.archive.ArchiveIndex;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The archives below one folder. Each is gone through once for as long as it stays as it is; the folder is looked at anew. */
final class ArchiveFolder implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(ArchiveFolder.class);

    private static final Pattern ARCHIVE =
            Pattern.compile("([^.].*?)(?:\\.oci)?\\.(?:tar|tar\\.(?:gz|zst|zstd|bz2|xz)|tgz|tzst|tbz2|txz)");

    private static final int DEPTH = 8;

    /** Two at once keep a disk busy and leave the machine to others. */
    private static final int READERS = 2;

    private final ThreadPoolExecutor readers =
            new ThreadPoolExecutor(READERS, READERS, 2, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), task -> {
                Thread thread = new Thread(task, "wharf-archives");
                thread.setDaemon(true);
                return thread;
            });

    /** Guarded by this. */
    private final Map<Path, Reading> readings = new HashMap<>();

    private volatile Path root;

    ArchiveFolder(Path root) {
        this.root = root;
        readers.allowCoreThreadTimeOut(true);
    }

    Path root() {
        return root;
    }

    /** What was known is gone through again, for files may be called after the folder they lie in. */
    synchronized void move(Path other) {
        if (!other.equals(root)) {
            root = other;
            readings.clear();
        }
    }

    /** What tells a file from the one that was there before under its name. */
    record Stamp(Object key, long sizeBytes, FileTime modified) {
        static Stamp of(Path file) throws IOException {
            return of(Files.readAttributes(file, BasicFileAttributes.class));
        }

        static Stamp of(BasicFileAttributes attributes) {
            return new Stamp(
                    Objects.requireNonNullElse(attributes.fileKey(), ""),
                    attributes.size(),
                    attributes.lastModifiedTime());
        }
    }

    /** A file on its way to be known; its outcome is empty where it is no archive that can be read. */
    private record Reading(Path file, Stamp stamp, Future<Optional<Archive>> outcome) {}

    /** Every archive that can be read, the newest first; waits for those that are being gone through, but not for ever. */
    List<Archive> all(Duration patience) throws DriverException {
        long end = System.nanoTime() + patience.toNanos();
        List<Archive> archives = new ArrayList<>();
        for (Reading reading : look()) {
            try {
                reading.outcome()
                        .get(Math.max(0, end - System.nanoTime()), TimeUnit.NANOSECONDS)
                        .ifPresent(archives::add);
            } catch (TimeoutException e) {
                log.warn("archive is still being gone through file={}", reading.file());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw failure(Failure.Kind.UNAVAILABLE, "interrupted while reading " + reading.file(), e);
            } catch (ExecutionException | CancellationException e) {
                throw failure(Failure.Kind.UNAVAILABLE, "reading " + reading.file() + " was broken off", e);
            }
        }
        return archives;
    }

    private synchronized List<Reading> look() throws DriverException {
        Path folder = root;
        Map<Path, Stamp> there = list(folder);
        readings.keySet().retainAll(there.keySet());
        try {
            there.forEach((file, stamp) -> {
                Reading known = readings.get(file);
                if (known == null || !known.stamp().equals(stamp)) {
                    readings.put(file, new Reading(file, stamp, readers.submit(() -> read(folder, file))));
                }
            });
        } catch (RejectedExecutionException e) {
            throw failure(Failure.Kind.UNAVAILABLE, "the registry backend archive is stopping", e);
        }
        return readings.values().stream()
                .sorted(Comparator.comparing((Reading r) -> r.stamp().modified())
                        .reversed()
                        .thenComparing(Reading::file))
                .toList();
    }

    private static Map<Path, Stamp> list(Path folder) throws DriverException {
        Map<Path, Stamp> files = new HashMap<>();
        if (!Files.isDirectory(folder)) {
            return files;
        }
        try (Stream<Path> walk = Files.find(
                folder,
                DEPTH,
                (file, attributes) -> attributes.isRegularFile()
                        && ARCHIVE.matcher(file.getFileName().toString()).matches(),
                FileVisitOption.FOLLOW_LINKS)) {
            for (Path file : (Iterable<Path>) walk::iterator) {
                try {
                    files.put(file, Stamp.of(file));
                } catch (NoSuchFileException e) {
                    log.debug("archive went while it was looked at file={}", file);
                }
            }
            return files;
        } catch (IOException | UncheckedIOException e) {
            throw failure(Failure.Kind.FAILED, "cannot list the archives in " + folder + ": " + e.getMessage(), e);
        }
    }

    private static Optional<Archive> read(Path folder, Path file) {
        try {
            Stamp stamp = Stamp.of(file);
            try (InputStream in = Channels.newInputStream(FileChannel.open(file, StandardOpenOption.READ))) {
                if (!Stamp.of(file).equals(stamp)) {
                    throw new Archive.Replaced(file);
                }
                return Optional.of(new Archive(file, stamp, own(folder, file), ArchiveIndex.of(in)));
            }
        } catch (Archive.Replaced e) {
            return read(folder, file);
        } catch (IOException | RuntimeException e) {
            // It may be on its way here still, and is read again when it has changed.
            log.warn("archive passed over file={} reason=\"{}\"", file, e.getMessage());
            return Optional.empty();
        }
    }

    /** What a file is called as a repository: its path below the folder, without its endings. */
    static Optional<Repository> own(Path folder, Path file) {
        Matcher name = ARCHIVE.matcher(file.getFileName().toString());
        if (!name.matches()) {
            return Optional.empty();
        }
        try {
            return Optional.of(Repository.parse(
                    folder.relativize(file.resolveSibling(name.group(1))).toString()));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    @Override
    public void close() {
        readers.shutdownNow();
    }
}
