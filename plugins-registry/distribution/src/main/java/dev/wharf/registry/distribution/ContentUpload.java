package dev.wharf.registry.distribution;

import dev.wharf.spi.registry.Content;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpRequest;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A range of a content as the body of a request. */
final class ContentUpload implements Http.Upload, AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(ContentUpload.class);

    private final Content content;
    private final long offset;
    private final long length;
    private final AtomicLong sent = new AtomicLong();
    private final AtomicReference<@Nullable InputStream> open = new AtomicReference<>();
    private volatile @Nullable IOException unreadable;

    ContentUpload(Content content, long offset, long length) {
        this.content = content;
        this.offset = offset;
        this.length = length;
    }

    @Override
    public HttpRequest.BodyPublisher publisher() {
        if (length == 0) {
            return HttpRequest.BodyPublishers.noBody();
        }
        return HttpRequest.BodyPublishers.fromPublisher(HttpRequest.BodyPublishers.ofInputStream(this::stream), length);
    }

    @Override
    public long sent() {
        return sent.get();
    }

    /** Why the content could not be read, where that was it. */
    Optional<IOException> unreadable() {
        return Optional.ofNullable(unreadable);
    }

    /** The range from its start; where it cannot be opened, whoever reads it hears why. */
    private InputStream stream() {
        close();
        try {
            InputStream in = content.open();
            open.set(in);
            in.skipNBytes(offset);
            return new Counted(in);
        } catch (IOException e) {
            unreadable = e;
            return new Unreadable(e);
        }
    }

    @Override
    public void close() {
        InputStream before = open.getAndSet(null);
        if (before != null) {
            try {
                before.close();
            } catch (IOException e) {
                log.debug(
                        "closing content failed digest={}", content.descriptor().digest(), e);
            }
        }
    }

    private final class Counted extends FilterInputStream {
        private long left = length;

        Counted(InputStream in) {
            super(in);
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] target, int at, int count) throws IOException {
            if (left == 0) {
                return -1;
            }
            try {
                int n = super.read(target, at, (int) Math.min(count, left));
                if (n > 0) {
                    left -= n;
                    sent.addAndGet(n);
                }
                return n;
            } catch (IOException e) {
                unreadable = e;
                throw e;
            }
        }
    }

    /** Content that is not to be had. */
    private static final class Unreadable extends InputStream {
        private final IOException reason;

        Unreadable(IOException reason) {
            this.reason = reason;
        }

        @Override
        public int read() throws IOException {
            throw reason;
        }
    }
}
