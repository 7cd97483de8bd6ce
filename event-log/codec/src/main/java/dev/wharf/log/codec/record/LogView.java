package dev.wharf.log.codec.record;

import java.nio.file.Path;
import java.util.NavigableMap;

/** What a reader needs to know of the log it reads while another thread appends. */
public interface LogView {
    /**
     * Where the log stands, to be seen whole: what lies before {@code end} is written and will not change.
     *
     * @param segment the first sequence of the newest segment
     * @param end where the last record of the newest segment ends
     * @param last the last sequence
     * @param head the SHA-256 of the last record
     */
    record Tail(long segment, long end, long last, byte[] head) {
        /** The log after one more record in the same segment. */
        public Tail with(long newEnd, byte[] record) {
            return new Tail(segment, newEnd, last + 1, Envelope.hash(record));
        }

        /** The log when its newest segment was written anew. */
        public Tail with(long newEnd) {
            return new Tail(segment, newEnd, last, head);
        }

        /** The log when its next record begins a new segment. */
        public Tail rolled(long newEnd) {
            return new Tail(last + 1, newEnd, last, head);
        }
    }

    Tail tail();

    /** The sequence before the oldest record that is kept. */
    long origin();

    /** Every segment by the sequence it begins with; safe to read while it changes. */
    NavigableMap<Long, Path> segments();
}
