package dev.wharf.core.state;

import java.util.Optional;

/**
 * What is known of one thing a subject can hold: it is not there, it is there with this value, or nobody can say because an
 * effect was tried and its answer never came. A doubtful fact keeps the last value known, for whoever has to undo it, and so
 * does one that was lost.
 */
public record Fact<T>(Certainty certainty, Optional<T> last) {
    private static final Fact<?> ABSENT = new Fact<>(Certainty.ABSENT, Optional.empty());

    /** How sure we are. */
    public enum Certainty {
        ABSENT,
        PRESENT,
        DOUBTFUL
    }

    @SuppressWarnings("unchecked") // an absent fact holds no value, so it fits every type
    public static <T> Fact<T> absent() {
        return (Fact<T>) ABSENT;
    }

    public static <T> Fact<T> present(T value) {
        return new Fact<>(Certainty.PRESENT, Optional.of(value));
    }

    /** It is not there any more, though nobody let it go. What it was stays known, for whoever has to make it anew. */
    public Fact<T> lost() {
        return new Fact<>(Certainty.ABSENT, last);
    }

    /** The same thing, no longer sure. */
    public Fact<T> doubtful() {
        return new Fact<>(Certainty.DOUBTFUL, last);
    }

    public boolean isAbsent() {
        return certainty == Certainty.ABSENT;
    }

    public boolean isPresent() {
        return certainty == Certainty.PRESENT;
    }

    public boolean isDoubtful() {
        return certainty == Certainty.DOUBTFUL;
    }

    /** The value, where the fact is present. */
    public Optional<T> value() {
        return isPresent() ? last : Optional.empty();
    }
}
