package dev.wharf.core.journal;

import java.util.Optional;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * Something that is remembered of each of the last batches, by their positions: nearly everybody who reads is at the end. Safe to
 * use from any thread.
 */
public final class RecentBatches<T> {
    private final AtomicReferenceArray<@Nullable Remembered<T>> places;

    private record Remembered<T>(Position position, T what) {}

    /** A memory of the last {@code count} batches. */
    public RecentBatches(int count) {
        places = new AtomicReferenceArray<>(count);
    }

    /** Remembers, in place of what is too long ago. */
    public void put(Position position, T what) {
        places.set(place(position), new Remembered<>(position, what));
    }

    /** What was remembered of this batch; empty where it was nothing, or too long ago. */
    public Optional<T> at(Position position) {
        Remembered<T> known = places.get(place(position));
        return known != null && known.position().compareTo(position) == 0
                ? Optional.of(known.what())
                : Optional.empty();
    }

    private int place(Position position) {
        return (int) (position.sequence() % places.length());
    }
}
