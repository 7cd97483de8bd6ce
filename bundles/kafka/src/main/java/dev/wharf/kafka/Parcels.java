package dev.wharf.kafka;

import dev.wharf.core.agent.Follower.Moment;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * The journal batch by batch, made ready to be sent. Making a record costs as much as handing it to Kafka's producer, so while
 * there is much to catch up with another thread makes them ahead, a few pieces at most; at the end the reader goes on alone.
 */
final class Parcels implements AutoCloseable {
    /** Fewer batches than this are sent before a thread has started. */
    private static final long MUCH = 2000;

    // As in the journal's reader: what waits here must not grow out of a small heap's young generation.
    private static final int PIECE_BATCHES = 16;
    private static final int PIECE_BYTES = 64 << 10;
    private static final int PIECES = 2;

    private static final long LOOK_UP_MILLIS = 100;

    /** Makes the records of a batch, none where it is not published. */
    interface Packing {
        Parcel pack(Feed.Group group) throws IOException;
    }

    /**
     * A batch, and what of it goes out.
     *
     * @param bytes the size of the events
     * @param behind as {@link Bookmark#behind}, once this is out
     */
    record Parcel(Feed.Group group, List<ProducerRecord<byte[], byte[]>> records, long bytes, boolean behind) {
        Moment first() {
            return group.moments().get(0);
        }

        Moment last() {
            return group.moments().get(group.moments().size() - 1);
        }
    }

    /** Some of them; the last piece may say why there are no more. */
    private record Piece(List<Parcel> parcels, boolean last, Optional<Exception> trouble) {}

    private final Feed feed;
    private final Packing packing;
    private final BlockingQueue<Piece> pieces = new ArrayBlockingQueue<>(PIECES);
    private Optional<Thread> ahead = Optional.empty();
    private volatile boolean closed;
    private List<Parcel> ready = List.of();
    private int at;

    /** Takes over {@code feed}, of which about {@code count} batches are there already, and closes it in the end. */
    Parcels(Feed feed, long count, Packing packing) {
        this.feed = feed;
        this.packing = packing;
        if (count > MUCH) {
            Thread thread = new Thread(this::readAhead, "wharf-kafka-reader");
            thread.setDaemon(true);
            ahead = Optional.of(thread);
            thread.start();
        }
    }

    /** The next batch, or empty when there is none yet. */
    Optional<Parcel> next() throws IOException, InterruptedException {
        while (at == ready.size() && ahead.isPresent()) {
            Piece piece = pieces.take();
            if (piece.last()) {
                ahead = Optional.empty();
            }
            if (piece.trouble().isPresent()) {
                Exception trouble = piece.trouble().get();
                if (trouble instanceof RuntimeException known) {
                    throw known;
                }
                throw new IOException(trouble.getMessage(), trouble);
            }
            ready = piece.parcels();
            at = 0;
        }
        return at < ready.size() ? Optional.of(ready.get(at++)) : read();
    }

    private Optional<Parcel> read() throws IOException {
        Optional<Feed.Group> group = feed.next();
        return group.isEmpty() ? Optional.empty() : Optional.of(packing.pack(group.get()));
    }

    private void readAhead() {
        try {
            Piece piece = gather();
            while (hand(piece) && !piece.last()) {
                piece = gather();
            }
        } catch (IOException | RuntimeException e) {
            hand(new Piece(List.of(), true, Optional.of(e)));
        }
    }

    private Piece gather() throws IOException {
        List<Parcel> parcels = new ArrayList<>(PIECE_BATCHES);
        long bytes = 0;
        while (parcels.size() < PIECE_BATCHES && bytes < PIECE_BYTES) {
            Optional<Parcel> next = read();
            if (next.isEmpty()) {
                return new Piece(parcels, true, Optional.empty());
            }
            parcels.add(next.get());
            bytes += next.get().bytes();
        }
        return new Piece(parcels, false, Optional.empty());
    }

    /** False where nobody wants it any more. Nobody interrupts this thread: that would close the journal's file under it. */
    private boolean hand(Piece piece) {
        boolean handed = false;
        while (!handed && !closed) {
            try {
                handed = pieces.offer(piece, LOOK_UP_MILLIS, TimeUnit.MILLISECONDS);
            } catch (InterruptedException e) {
                return false;
            }
        }
        return handed;
    }

    void onMore(Runnable wake) {
        feed.onMore(wake);
    }

    /** The thread is waited for, so that nobody reads from what is closed. */
    @Override
    public void close() {
        closed = true;
        boolean interrupted = false;
        while (ahead.isPresent()) {
            try {
                ahead.get().join();
                ahead = Optional.empty();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        feed.close();
    }
}
