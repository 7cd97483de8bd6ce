package dev.wharf.content;

import static dev.wharf.spi.DriverException.failure;

import dev.wharf.model.Descriptor;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.content.ContentStore;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;

/** Receives a blob that is here already: there is nothing left to write. */
final class PresentIngest implements ContentStore.Ingest {
    private final Descriptor blob;

    PresentIngest(Descriptor blob) {
        this.blob = blob;
    }

    @Override
    public long offset() {
        return blob.sizeBytes();
    }

    @Override
    public void write(ByteBuffer bytes) throws DriverException {
        if (bytes.hasRemaining()) {
            throw tooLong();
        }
    }

    @Override
    public void write(InputStream stream) throws DriverException {
        try {
            if (stream.read() >= 0) {
                throw tooLong();
            }
        } catch (IOException e) {
            throw DiskContentStore.failed("cannot receive blob " + blob.digest(), e);
        }
    }

    @Override
    public Descriptor commit(String mediaType) {
        return new Descriptor(mediaType, blob.digest(), blob.sizeBytes());
    }

    @Override
    public void close() {
        // Holds nothing.
    }

    private DriverException tooLong() {
        return failure(
                Failure.Kind.CORRUPT, "blob " + blob.digest() + " is longer than its " + blob.sizeBytes() + " bytes");
    }
}
