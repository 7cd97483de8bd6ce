package dev.wharf.registry.distribution;

import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.security.MessageDigest;
import java.time.Duration;

/**
 * The bytes of one blob, exactly as many as its descriptor says. A transfer that breaks off goes on where it stopped, as
 * long as it gets on.
 */
final class BlobStream extends InputStream {
    private static final int MAX_SETBACKS = 4;
    private static final int MAX_ALL_SETBACKS = 100;

    /** What must have come since the last setback to count as getting on. */
    private static final long STRIDE = 256 << 10;

    private static final Duration FIRST_PAUSE = Duration.ofMillis(200);

    /** Opens the blob at a position. */
    interface Source {
        InputStream open(long offset) throws DriverException;
    }

    /** Told when the whole blob came and was something else. */
    interface Disappointment {
        /** For a source that there is no other in place of; the reader finds out by itself. */
        Disappointment NONE = () -> {};

        void tell();
    }

    private final String registry;
    private final Descriptor content;
    private final Source source;
    private final Disappointment disappointment;
    private final MessageDigest hasher;
    private final boolean checked;

    private InputStream in;
    private long position;
    private long lastSetback;
    private int setbacks;
    private int allSetbacks;
    private boolean done;

    BlobStream(String registry, Descriptor content, long offset, Source source, Disappointment disappointment)
            throws DriverException {
        this.registry = registry;
        this.content = content;
        this.source = source;
        this.disappointment = disappointment;
        this.hasher = Digest.hasher(content.digest().algorithm());
        this.checked = offset == 0 && disappointment != Disappointment.NONE;
        this.position = offset;
        this.lastSetback = offset;
        this.in = source.open(offset);
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
        if (length == 0) {
            return 0;
        }
        while (position < content.sizeBytes()) {
            try {
                int n = in.read(target, offset, (int) Math.min(length, content.sizeBytes() - position));
                if (n > 0) {
                    position += n;
                    if (checked) {
                        hasher.update(target, offset, n);
                    }
                    return n;
                }
                throw new EOFException("it ended too early");
            } catch (InterruptedIOException e) {
                throw e;
            } catch (IOException e) {
                goOn(e);
            }
        }
        finish();
        return -1;
    }

    private void goOn(IOException first) throws IOException {
        in.close();
        IOException why = first;
        while (true) {
            setbacks = position - lastSetback >= STRIDE ? 1 : setbacks + 1;
            lastSetback = position;
            if (setbacks > MAX_SETBACKS || ++allSetbacks > MAX_ALL_SETBACKS) {
                throw new IOException(
                        "the transfer of " + content.digest() + " from registry " + registry + " broke off at "
                                + position + " of " + content.sizeBytes() + " bytes: "
                                + Failures.reason(registry, why),
                        why);
            }
            try {
                Session.pause(FIRST_PAUSE.multipliedBy(1L << (setbacks - 1)));
                in = source.open(position);
                return;
            } catch (DriverException e) {
                if (e.failure().kind() != Failure.Kind.UNAVAILABLE
                        || Thread.currentThread().isInterrupted()) {
                    throw new IOException(e.getMessage(), e);
                }
                why = new IOException(e.getMessage(), e);
            }
        }
    }

    private void finish() throws IOException {
        if (done) {
            return;
        }
        done = true;
        boolean more;
        try (InputStream rest = in) {
            // Reading to the end of the body frees the connection for the next request.
            more = rest.read() >= 0;
        } catch (IOException e) {
            more = false;
        }
        if (more) {
            throw new IOException("registry " + registry + " sent more than the " + content.sizeBytes() + " bytes of "
                    + content.digest());
        }
        if (checked) {
            Digest found = Digest.of(content.digest().algorithm(), hasher.digest());
            if (!found.equals(content.digest())) {
                disappointment.tell();
            }
        }
    }

    @Override
    public void close() throws IOException {
        done = true;
        in.close();
    }
}
