package dev.wharf.spi.content;

import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.spi.DriverException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongConsumer;
import org.osgi.annotation.versioning.ProviderType;

/**
 * Keeps blobs under their digests. A blob that is listed is whole and was verified when it came; it never changes. Calls
 * may be repeated and come from many threads at once.
 */
@ProviderType
public interface ContentStore {
    /** The size in bytes of a blob that is here. */
    Optional<Long> size(Digest digest);

    /** The file of a blob that is here, for reading only. MISSING where it is not. */
    Path path(Digest digest) throws DriverException;

    /** The bytes of a blob that is here. */
    InputStream open(Digest digest) throws DriverException;

    /**
     * The uncompressed tar in a layer blob, plain, gzip or zstd by its first bytes. At its end the stream checks that what
     * came out has the digest {@code diffId} and fails with an {@link java.io.IOException} where it has not, unless the
     * blob is that tar itself, which was verified when it came; it also fails when a small blob unfolds beyond every reason.
     */
    InputStream openLayer(Descriptor blob, Digest diffId) throws DriverException;

    /** Receives a blob that is known beforehand; an interrupted one goes on where it stopped. */
    Ingest ingest(Descriptor expected) throws DriverException;

    /** Begins to bring in blobs that nobody owns yet. */
    Delivery deliver() throws DriverException;

    /** Removes a blob, unless one of those deliveries that are not closed brought it; false where it stays for that. */
    boolean remove(Digest digest) throws DriverException;

    /**
     * Reads a blob again and says what is wrong with it; empty where it is what its digest says, or is not here.
     *
     * @param read told now and then of how many more bytes were read; may take its time
     */
    Optional<String> check(Digest digest, LongConsumer read) throws DriverException;

    /**
     * Moves a blob that is not what its digest says out of the way, so that it can come again, and answers with what is wrong.
     * It is read first: one that is whole stays, and then, as where it is not here, the answer is empty.
     */
    Optional<String> setAside(Digest digest) throws DriverException;

    /** Every blob there is now, with its size in bytes. */
    Map<Digest, Long> survey() throws DriverException;

    /**
     * Brings in what belongs together, such as the layers and documents of an image. What it brought, or found to be here
     * already, stays until it is closed, though the last owner of the same bytes has them removed meanwhile: by then there
     * must be a new owner. Calls come from many threads at once.
     */
    interface Delivery extends AutoCloseable {
        /** Receives bytes whose digest is not known yet. */
        Ingest receive() throws DriverException;

        /** Small content in one call; answers with its descriptor. */
        Descriptor put(String mediaType, byte[] bytes) throws DriverException;

        @Override
        void close();
    }

    /** One blob on its way in. One thread at a time. */
    interface Ingest extends AutoCloseable {
        /** How many bytes are here already; the next byte to write is this one. */
        long offset();

        /** Takes all the remaining bytes of {@code bytes}. */
        void write(ByteBuffer bytes) throws DriverException;

        /** Takes {@code stream} to its end. */
        void write(InputStream stream) throws DriverException;

        /** Verifies size and digest and makes the blob appear, durably. CORRUPT, and nothing kept, where they differ. */
        Descriptor commit(String mediaType) throws DriverException;

        /** Without a commit: keeps a part of a known blob for the next try, and forgets any other. */
        @Override
        void close();
    }
}
