package dev.wharf.runtime;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.ClosedWatchServiceException;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells of changes in directories (inotify(7)), with one thread for any number of interests, which begins with the first of
 * them.
 */
final class FileWatch implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(FileWatch.class);

    private final Map<Path, Directory> directories = new HashMap<>();
    private Optional<WatchService> service = Optional.empty();
    private boolean closed;

    /** An interest in one directory. Closing it may be repeated. */
    interface Interest extends AutoCloseable {
        @Override
        void close();
    }

    private record Directory(WatchKey key, List<Runnable> interests) {}

    /** Calls {@code changed} after each change of a file in {@code directory}, from the watch's thread; it must not block. */
    synchronized Interest on(Path directory, Runnable changed) throws IOException {
        if (closed) {
            throw new IOException("the watch is closed");
        }
        if (service.isEmpty()) {
            WatchService begun = FileSystems.getDefault().newWatchService();
            Thread thread = new Thread(() -> watch(begun), "wharf-file-watch");
            thread.setDaemon(true);
            thread.start();
            service = Optional.of(begun);
        }
        Directory watched = directories.get(directory);
        if (watched == null || !watched.key().isValid()) {
            WatchKey key = directory.register(
                    service.get(), StandardWatchEventKinds.ENTRY_CREATE, StandardWatchEventKinds.ENTRY_MODIFY);
            watched = new Directory(key, new CopyOnWriteArrayList<>());
            directories.put(directory, watched);
        }
        Directory target = watched;
        // A wrapper, so that the same runnable given twice counts twice.
        Runnable mine = changed::run;
        target.interests().add(mine);
        return () -> drop(directory, target, mine);
    }

    private synchronized void drop(Path directory, Directory watched, Runnable interest) {
        watched.interests().remove(interest);
        if (watched.interests().isEmpty()) {
            watched.key().cancel();
            directories.remove(directory, watched);
        }
    }

    private void watch(WatchService watched) {
        try {
            while (true) {
                WatchKey key = watched.take();
                key.pollEvents();
                // Reset first: a change that comes while the interested are told wakes them again.
                key.reset();
                interested(key).forEach(FileWatch::tell);
            }
        } catch (InterruptedException | ClosedWatchServiceException e) {
            LOG.debug("file watch ends");
        }
    }

    private synchronized List<Runnable> interested(WatchKey key) {
        return directories.values().stream()
                .filter(directory -> directory.key().equals(key))
                .flatMap(directory -> directory.interests().stream())
                .toList();
    }

    private static void tell(Runnable interest) {
        try {
            interest.run();
        } catch (RuntimeException e) {
            LOG.warn("an interest in files failed", e);
        }
    }

    @Override
    public synchronized void close() {
        closed = true;
        directories.clear();
        if (service.isPresent()) {
            try {
                service.get().close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
