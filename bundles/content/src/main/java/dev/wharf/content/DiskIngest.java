package dev.wharf.content;

import static dev.wharf.spi.DriverException.failure;

import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.content.ContentStore;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;

/** Writes one blob to a file and hashes it on the way, so that nothing has to be read again. */
final class DiskIngest implements ContentStore.Ingest {
    private static final int BUFFER = 256 * 1024;

    /** How much is written before the disk is asked to begin with it, so that the end has not to wait for all. */
    private static final long FLUSH_BYTES = 8 << 20;

    private final DiskContentStore store;
    private final Optional<Descriptor> expected;
    private final Path file;
    private final boolean resumable;
    private final String algorithm;
    private final MessageDigest hasher;
    private final Consumer<Digest> ahead;
    private final FileChannel channel;
    private final ByteBuffer transfer = ByteBuffer.allocateDirect(BUFFER);
    private long offset;
    private long flushed;
    private CompletableFuture<Void> flush = CompletableFuture.completedFuture(null);
    private boolean closed;
    private boolean finished;

    /**
     * Goes on with {@code file} where it is there.
     *
     * @param resumable whether it is worth keeping unfinished
     * @param ahead told of the digest before the blob appears
     */
    DiskIngest(
            DiskContentStore store,
            Optional<Descriptor> expected,
            Path file,
            boolean resumable,
            MessageDigest hasher,
            Consumer<Digest> ahead)
            throws IOException {
        this.store = store;
        this.expected = expected;
        this.file = file;
        this.resumable = resumable;
        this.algorithm = expected.map(e -> e.digest().algorithm()).orElse("sha256");
        this.hasher = hasher;
        this.ahead = ahead;
        this.channel = FileChannel.open(
                file,
                Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.CREATE),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        try {
            catchUp();
        } catch (IOException e) {
            channel.close();
            throw e;
        }
    }

    /** Hashes what is there already. A part longer than the whole is a part of something else. */
    private void catchUp() throws IOException {
        long there = channel.size();
        if (expected.isPresent() && there > expected.get().sizeBytes()) {
            channel.truncate(0);
            return;
        }
        for (; ; ) {
            transfer.clear();
            if (channel.read(transfer) < 0) {
                return;
            }
            offset += transfer.position();
            hasher.update(transfer.flip());
        }
    }

    @Override
    public long offset() {
        return offset;
    }

    @Override
    public void write(ByteBuffer bytes) throws DriverException {
        if (bytes.isDirect()) {
            take(bytes);
            return;
        }
        while (bytes.hasRemaining()) {
            int step = Math.min(bytes.remaining(), transfer.capacity());
            transfer.clear().put(bytes.slice(bytes.position(), step)).flip();
            bytes.position(bytes.position() + step);
            take(transfer);
        }
    }

    @Override
    public void write(InputStream stream) throws DriverException {
        byte[] buffer = new byte[BUFFER];
        for (; ; ) {
            int read;
            try {
                read = stream.read(buffer);
            } catch (IOException e) {
                throw DiskContentStore.failed("cannot receive " + name(), e);
            }
            if (read < 0) {
                return;
            }
            write(ByteBuffer.wrap(buffer, 0, read));
        }
    }

    private void take(ByteBuffer direct) throws DriverException {
        int count = direct.remaining();
        if (expected.isPresent() && count > expected.get().sizeBytes() - offset) {
            throw spoiled(name() + " is longer than its " + expected.get().sizeBytes() + " bytes");
        }
        try {
            hasher.update(direct.duplicate());
            while (direct.hasRemaining()) {
                channel.write(direct);
            }
            offset += count;
            flushAhead();
        } catch (IOException e) {
            // How much of it was written is unknown, so neither file nor hash can be gone on with.
            throw spoiled("cannot write " + name(), e);
        }
    }

    /** Has the disk write what it was given while more comes. */
    private void flushAhead() {
        if (offset - flushed >= FLUSH_BYTES && flush.isDone() && !flush.isCompletedExceptionally()) {
            flushed = offset;
            flush = store.flush(channel);
        }
    }

    @Override
    public Descriptor commit(String mediaType) throws DriverException {
        if (closed || finished) {
            throw failure(Failure.Kind.FAILED, name() + " was ended before");
        }
        Digest actual = Digest.of(algorithm, hasher.digest());
        if (expected.isPresent() && offset != expected.get().sizeBytes()) {
            throw spoiled(
                    name() + " has " + offset + " bytes, but " + expected.get().sizeBytes() + " were promised");
        }
        if (expected.isPresent() && !actual.equals(expected.get().digest())) {
            throw spoiled("what came for " + name() + " has the digest " + actual);
        }
        try {
            // The kernel tells an error of the disk once only (fsync(2)), so that of a flush ahead counts.
            flush.join();
            channel.force(true);
            ahead.accept(actual);
            store.publish(file, actual);
            finished = true;
        } catch (CompletionException e) {
            throw spoiled("cannot keep " + name(), new IOException(String.valueOf(e.getCause()), e));
        } catch (IOException e) {
            throw spoiled("cannot keep " + name(), e);
        }
        return new Descriptor(mediaType, actual, offset);
    }

    private DriverException spoiled(String message) {
        return forget(failure(Failure.Kind.CORRUPT, message));
    }

    private DriverException spoiled(String message, IOException cause) {
        return forget(DiskContentStore.failed(message, cause));
    }

    private DriverException forget(DriverException reason) {
        finished = true;
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            reason.addSuppressed(e);
        }
        return reason;
    }

    private String name() {
        return expected.map(e -> "blob " + e.digest()).orElse("the blob");
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        try {
            channel.close();
            if (!finished && (!resumable || offset == 0)) {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            store.couldNotCleanUp(file, e);
        } finally {
            store.released(file);
        }
    }
}
