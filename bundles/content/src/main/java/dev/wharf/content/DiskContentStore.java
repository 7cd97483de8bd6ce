package dev.wharf.content;

import static dev.wharf.spi.DriverException.failure;

import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.content.ContentStore;
import dev.wharf.spi.kernel.FileCalls;
import dev.wharf.spi.kernel.Hashing;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps blobs as files named by their digests; see {@link BlobFiles} for what lies where. A blob appears by one rename, after
 * its bytes were verified and forced to disk, so what is listed is whole.
 */
@Component(service = ContentStore.class)
public final class DiskContentStore implements ContentStore {
    private static final Logger log = LoggerFactory.getLogger(DiskContentStore.class);
    /** After a week nobody goes on with a broken transfer. */
    private static final Duration PART_LIFE = Duration.ofDays(7);

    /** As long may somebody look at what was found in the place of a blob. */
    private static final Duration DAMAGED_LIFE = Duration.ofDays(30);

    private static final int CHECKED_AT_ONCE = 1 << 18;

    private static final int FLUSHES = 4;

    private final BlobFiles blobs;
    private final FileCalls files;
    private final Hashing hashing;
    private final Unfolding unfolding;
    /** Files in {@code ingest} that somebody is writing, which a survey and other writers leave alone. */
    private final Set<Path> inWork = ConcurrentHashMap.newKeySet();

    /** What deliveries that are not closed brought, and how many of them. */
    private final ConcurrentMap<Digest, Integer> held = new ConcurrentHashMap<>();

    private final AtomicLong number = new AtomicLong(System.nanoTime());

    /** Waits for the disk ahead of commits, as far as there are threads for it. */
    private final ThreadPoolExecutor flushes =
            new ThreadPoolExecutor(0, FLUSHES, 5, TimeUnit.SECONDS, new SynchronousQueue<>(), task -> {
                Thread thread = new Thread(task, "wharf-flush");
                thread.setDaemon(true);
                return thread;
            });

    @Activate
    public DiskContentStore(BundleContext context, @Reference FileCalls files, @Reference Hashing hashing) {
        this(dataRoot(context).resolve("content"), files, hashing, Unfolding.DEFAULT);
    }

    /** Keeps everything below {@code root}, which need not be there yet. */
    public DiskContentStore(Path root, FileCalls files, Hashing hashing, Unfolding unfolding) {
        this.blobs = new BlobFiles(root);
        this.files = files;
        this.hashing = hashing;
        this.unfolding = unfolding;
    }

    private static Path dataRoot(BundleContext context) {
        String property = context.getProperty("wharf.data.root");
        if (property == null) {
            throw new IllegalStateException("the framework property wharf.data.root is not set");
        }
        return Path.of(property);
    }

    @Override
    public Optional<Long> size(Digest digest) {
        try {
            return blobs.size(digest);
        } catch (IOException e) {
            log.warn("cannot look at a blob, so it counts as missing digest={} reason={}", digest, e.getMessage());
            return Optional.empty();
        }
    }

    @Override
    public Path path(Digest digest) throws DriverException {
        return size(digest).map(size -> blobs.blob(digest)).orElseThrow(() -> missing(digest));
    }

    @Override
    public InputStream open(Digest digest) throws DriverException {
        try {
            return Files.newInputStream(blobs.blob(digest));
        } catch (NoSuchFileException e) {
            throw missing(digest);
        } catch (IOException e) {
            throw failed("cannot open blob " + digest, e);
        }
    }

    @Override
    public InputStream openLayer(Descriptor blob, Digest diffId) throws DriverException {
        long sizeBytes = size(blob.digest()).orElseThrow(() -> missing(blob.digest()));
        try {
            return LayerInput.open(
                    open(blob.digest()),
                    blob.digest(),
                    diffId,
                    hashing.hasher(diffId.algorithm()),
                    unfolding.limit(sizeBytes));
        } catch (IOException e) {
            throw failed("cannot open layer " + blob.digest(), e);
        }
    }

    @Override
    public Ingest ingest(Descriptor expected) throws DriverException {
        Optional<Long> there = size(expected.digest());
        if (there.isPresent()) {
            return present(expected, there.get());
        }
        Path part = blobs.part(expected.digest());
        // Whoever comes second writes a file of its own: who has the whole blob first makes it appear.
        return inWork.add(part)
                ? begin(Optional.of(expected), part, true, digest -> {})
                : begin(Optional.of(expected), anonymous(), false, digest -> {});
    }

    private static Ingest present(Descriptor expected, long sizeBytes) throws DriverException {
        if (expected.sizeBytes() != sizeBytes) {
            throw failure(
                    Failure.Kind.CORRUPT,
                    "blob " + expected.digest() + " is said to have " + expected.sizeBytes() + " bytes, but it has "
                            + sizeBytes);
        }
        return new PresentIngest(expected);
    }

    @Override
    public Delivery deliver() {
        return new DiskDelivery();
    }

    private Path anonymous() {
        Path file = blobs.ingests().resolve(Long.toString(number.incrementAndGet(), 36));
        inWork.add(file);
        return file;
    }

    /** @param ahead told of the digest before its blob appears */
    private Ingest begin(Optional<Descriptor> expected, Path file, boolean resumable, Consumer<Digest> ahead)
            throws DriverException {
        String algorithm = expected.map(e -> e.digest().algorithm()).orElse("sha256");
        try {
            try {
                return new DiskIngest(this, expected, file, resumable, hashing.hasher(algorithm), ahead);
            } catch (NoSuchFileException e) {
                blobs.makeDirectories();
                return new DiskIngest(this, expected, file, resumable, hashing.hasher(algorithm), ahead);
            }
        } catch (IOException e) {
            released(file);
            throw failed("cannot receive a blob", e);
        }
    }

    private final class DiskDelivery implements Delivery {
        private final Set<Digest> brought = new HashSet<>();

        @Override
        public Ingest receive() throws DriverException {
            return begin(Optional.empty(), anonymous(), false, this::hold);
        }

        @Override
        public Descriptor put(String mediaType, byte[] bytes) throws DriverException {
            Descriptor blob = new Descriptor(mediaType, Digest.sha256(bytes), bytes.length);
            hold(blob.digest());
            if (size(blob.digest()).isPresent()) {
                return blob;
            }
            try (Ingest ingest = receive()) {
                ingest.write(ByteBuffer.wrap(bytes));
                return ingest.commit(mediaType);
            }
        }

        /** Synchronized, so that of two threads that bring the same none goes on before it is held. */
        private synchronized void hold(Digest digest) {
            if (brought.add(digest)) {
                held.merge(digest, 1, Integer::sum);
            }
        }

        @Override
        public synchronized void close() {
            for (Digest digest : brought) {
                held.computeIfPresent(digest, (d, holders) -> holders == 1 ? null : holders - 1);
            }
            brought.clear();
        }
    }

    @Override
    public boolean remove(Digest digest) throws DriverException {
        try {
            // Within the map's lock on this digest: whoever brings the same bytes holds them before or looks for them
            // after.
            return held.compute(digest, (d, holders) -> {
                        if (holders == null) {
                            delete(blobs.blob(digest));
                        }
                        return holders;
                    })
                    == null;
        } catch (UncheckedIOException e) {
            throw failed("cannot remove blob " + digest, Objects.requireNonNull(e.getCause()));
        }
    }

    private static void delete(Path blob) {
        try {
            Files.deleteIfExists(blob);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public Optional<String> check(Digest digest, LongConsumer read) throws DriverException {
        MessageDigest hash = hashing.hasher(digest.algorithm());
        byte[] buffer = new byte[CHECKED_AT_ONCE];
        if (size(digest).isEmpty()) {
            return Optional.empty();
        }
        // One that cannot be opened may be well, as where this process has too many files open.
        try (InputStream in = open(digest)) {
            try {
                for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                    hash.update(buffer, 0, n);
                    read.accept(n);
                }
            } catch (IOException e) {
                return Optional.of("it cannot be read: " + reason(e));
            }
        } catch (IOException e) {
            throw failed("cannot close blob " + digest, e);
        }
        Digest found = Digest.of(digest.algorithm(), hash.digest());
        return found.equals(digest) ? Optional.empty() : Optional.of("it is " + found);
    }

    @Override
    public Optional<String> setAside(Digest digest) throws DriverException {
        Optional<String> wrong = check(digest, n -> {});
        if (wrong.isPresent()) {
            try {
                blobs.makeDirectories();
                files.renameDurably(blobs.blob(digest), blobs.damaged(digest));
            } catch (NoSuchFileException e) {
                // Somebody else removed it, which is as good.
                return wrong;
            } catch (IOException e) {
                throw failed("cannot move damaged blob " + digest + " out of the way", e);
            }
        }
        return wrong;
    }

    @Override
    public Map<Digest, Long> survey() throws DriverException {
        try {
            blobs.makeDirectories();
            sweep();
            return blobs.all();
        } catch (IOException e) {
            throw failed("cannot list the blobs", e);
        }
    }

    private void sweep() throws IOException {
        Instant oldest = Instant.now().minus(PART_LIFE);
        try (DirectoryStream<Path> paths = Files.newDirectoryStream(blobs.ingests())) {
            for (Path path : paths) {
                if (inWork.contains(path)) {
                    continue;
                }
                boolean kept = BlobFiles.isPart(path)
                        && Files.getLastModifiedTime(path).toInstant().isAfter(oldest);
                if (!kept) {
                    Files.deleteIfExists(path);
                }
            }
        }
        Instant noLonger = Instant.now().minus(DAMAGED_LIFE);
        try (DirectoryStream<Path> paths = Files.newDirectoryStream(blobs.damages())) {
            for (Path path : paths) {
                // A rename changes the time of the entry alone, which is when it was moved here.
                FileTime moved = (FileTime) Files.getAttribute(path, "unix:ctime");
                if (moved.toInstant().isBefore(noLonger)) {
                    Files.deleteIfExists(path);
                }
            }
        }
    }

    /** Has the disk write what is in a file so far; done at once where too many are at that, for the commit will do it. */
    CompletableFuture<Void> flush(FileChannel file) {
        try {
            return CompletableFuture.runAsync(
                    () -> {
                        try {
                            file.force(false);
                        } catch (IOException e) {
                            throw new UncheckedIOException(e);
                        }
                    },
                    flushes);
        } catch (RejectedExecutionException e) {
            return CompletableFuture.completedFuture(null);
        }
    }

    @Deactivate
    void close() {
        flushes.shutdown();
    }

    /** Makes a verified file, whose bytes are on disk, the blob {@code digest}. */
    void publish(Path file, Digest digest) throws IOException {
        files.renameDurably(file, blobs.blob(digest));
    }

    void released(Path file) {
        inWork.remove(file);
    }

    void couldNotCleanUp(Path file, IOException cause) {
        log.warn("cannot clean up now, the next survey will path={} reason={}", file, cause.getMessage());
    }

    private static DriverException missing(Digest digest) {
        return failure(Failure.Kind.MISSING, "no blob " + digest);
    }

    private static String reason(IOException cause) {
        return cause instanceof FileSystemException call && call.getReason() != null
                ? call.getReason()
                : String.valueOf(cause.getMessage());
    }

    static DriverException failed(String what, IOException cause) {
        if (cause.getCause() instanceof DriverException inner) {
            return failure(inner.failure().kind(), inner.failure().message(), cause);
        }
        String reason = reason(cause);
        boolean full = reason.contains("No space left on device") || reason.contains("Disk quota exceeded");
        return failure(full ? Failure.Kind.EXHAUSTED : Failure.Kind.FAILED, what + ": " + reason, cause);
    }
}
