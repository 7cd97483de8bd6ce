package dev.wharf.core.journal;

/** Where a batch lies in the journal: 1 for the first, then one more for each. Positions are never used again. */
public record Position(long sequence) implements Comparable<Position> {
    /** Before the first batch. */
    public static final Position START = new Position(0);

    public Position {
        if (sequence < 0) {
            throw new IllegalArgumentException("invalid position " + sequence + ": must not be negative");
        }
    }

    public Position next() {
        return new Position(sequence + 1);
    }

    public boolean isAfter(Position other) {
        return sequence > other.sequence;
    }

    @Override
    public int compareTo(Position other) {
        return Long.compare(sequence, other.sequence);
    }

    @Override
    public String toString() {
        return Long.toString(sequence);
    }
}
