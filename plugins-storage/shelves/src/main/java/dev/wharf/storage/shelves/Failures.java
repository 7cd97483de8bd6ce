package dev.wharf.storage.shelves;

import static dev.wharf.spi.DriverException.failure;

import dev.wharf.oci.layer.LayerException;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import java.io.EOFException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.FileSystemException;
import java.util.zip.ZipException;

/** What a failed call means to a plan, and how it is told to people. */
public final class Failures {
    private Failures() {}

    public static DriverException failed(String what, IOException cause) {
        if (cause.getCause() instanceof DriverException inner) {
            return failure(inner.failure().kind(), what + ": " + inner.failure().message(), cause);
        }
        return failure(kind(cause), what + ": " + reason(cause), cause);
    }

    private static Failure.Kind kind(IOException cause) {
        if (cause instanceof LayerException) {
            return Failure.Kind.INVALID;
        }
        if (cause instanceof EOFException || cause instanceof ZipException) {
            return Failure.Kind.CORRUPT;
        }
        if (cause instanceof InterruptedIOException) {
            return Failure.Kind.UNAVAILABLE;
        }
        String reason = reason(cause);
        boolean full = reason.contains("No space left on device") || reason.contains("Disk quota exceeded");
        return full ? Failure.Kind.EXHAUSTED : Failure.Kind.FAILED;
    }

    private static String reason(IOException cause) {
        if (cause instanceof FileSystemException call && call.getReason() != null) {
            return call.getFile() + ": " + call.getReason();
        }
        return String.valueOf(cause.getMessage());
    }
}
