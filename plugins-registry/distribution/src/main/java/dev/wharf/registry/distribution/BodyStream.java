package dev.wharf.registry.distribution;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The body of an answer as a stream that does not wait for ever: the JDK's own has no time limit once the head of the answer
 * is there. Holds a few buffers at most; the registry is slowed down when its reader is slow. A registry may pause, but one
 * that drips a byte now and then is given up.
 */
final class BodyStream extends InputStream implements HttpResponse.BodySubscriber<InputStream> {
    /** One batch is read while the next one comes. */
    private static final int BATCHES_AHEAD = 2;

    /** What a line must carry on average, in bytes a second; the slowest that anybody would still wait for. */
    private static final long SLOWEST = 1024;

    private static final End WHOLE = new End(null);

    private sealed interface Piece {}

    private record Batch(List<ByteBuffer> buffers) implements Piece {}

    private record End(@Nullable Throwable why) implements Piece {}

    private final Duration idleTimeout;
    // Bounded by what is asked for: two batches and the end.
    private final BlockingQueue<Piece> pieces = new LinkedBlockingQueue<>();
    private final CompletableFuture<Flow.Subscription> subscription = new CompletableFuture<>();

    private final Deque<ByteBuffer> current = new ArrayDeque<>();
    private @Nullable End end;
    private long received;
    private long waitedNanos;

    BodyStream(Duration idleTimeout) {
        this.idleTimeout = idleTimeout;
    }

    // --- the side of the connection

    @Override
    public CompletionStage<InputStream> getBody() {
        return CompletableFuture.completedStage(this);
    }

    @Override
    public void onSubscribe(Flow.Subscription given) {
        if (subscription.complete(given)) {
            given.request(BATCHES_AHEAD);
        } else {
            given.cancel();
        }
    }

    @Override
    public void onNext(List<ByteBuffer> buffers) {
        pieces.add(new Batch(buffers));
    }

    @Override
    public void onError(Throwable why) {
        pieces.add(new End(why));
    }

    @Override
    public void onComplete() {
        pieces.add(WHOLE);
    }

    // --- the side of the reader

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
        while (current.isEmpty() || !current.getFirst().hasRemaining()) {
            if (!current.isEmpty()) {
                current.removeFirst();
            } else if (!await()) {
                return -1;
            }
        }
        ByteBuffer buffer = current.getFirst();
        int n = Math.min(length, buffer.remaining());
        buffer.get(target, offset, n);
        return n;
    }

    private boolean await() throws IOException {
        if (end == null && take() instanceof Batch batch) {
            current.addAll(batch.buffers());
            subscription.join().request(1);
            return true;
        }
        if (end != null && end.why() != null) {
            throw new IOException(String.valueOf(end.why().getMessage()), end.why());
        }
        return false;
    }

    private Piece take() throws IOException {
        long allowed = idleTimeout.toNanos() + TimeUnit.SECONDS.toNanos(received / SLOWEST);
        long patience = Math.min(idleTimeout.toNanos(), allowed - waitedNanos);
        long from = System.nanoTime();
        Piece piece;
        try {
            piece = pieces.poll(patience, TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            close();
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted");
        }
        waitedNanos += System.nanoTime() - from;
        if (piece == null) {
            close();
            throw new HttpTimeoutException(
                    "waited " + TimeUnit.NANOSECONDS.toSeconds(waitedNanos) + " s for " + received + " bytes");
        }
        if (piece instanceof Batch batch) {
            batch.buffers().forEach(buffer -> received += buffer.remaining());
        } else if (piece instanceof End reached) {
            end = reached;
        }
        return piece;
    }

    /** Gives the connection back, or breaks it off where the rest of the body is still on its way. */
    @Override
    public void close() {
        boolean arrived = end != null || pieces.stream().anyMatch(End.class::isInstance);
        end = new End(new IOException("closed"));
        current.clear();
        if (!arrived && !subscription.complete(NOTHING)) {
            subscription.join().cancel();
        }
    }

    private static final Flow.Subscription NOTHING = new Flow.Subscription() {
        @Override
        public void request(long n) {
            // Closed before anything came.
        }

        @Override
        public void cancel() {
            // Closed before anything came.
        }
    };
}
