package dev.wharf.log.codec.record;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Keeps records of bytes in order, each under the next sequence number, 1 for the first. One thread appends; any thread may
 * force; every reader is a thread's own.
 */
public interface RecordLog extends Closeable {
    /**
     * Appends all of the payload or none of it, and answers with its sequence. When there is no space the log stays as it
     * was and a later try may succeed; after any other failure every later append and force fails too.
     *
     * @throws dev.wharf.core.journal.BatchTooLargeException as {@link Envelope#requireFitting} does, and nothing is touched
     */
    long append(byte[] payload) throws IOException;

    /**
     * Whether at least half of the space that is kept ahead of the end is there, after an attempt to get it. Called by
     * whoever appends.
     */
    boolean hasRoom();

    /** Whether a failure left doubt, so that nothing is taken any more. */
    boolean isBroken();

    /** Makes every earlier append durable, or throws; after it has thrown the log takes nothing more. */
    void force() throws IOException;

    /** Reads from just after {@code sequence}; from the oldest record where that is gone. */
    Reader read(long sequence) throws IOException;

    /** The sequence of the last record, 0 when there was never one. */
    long last();

    /** The sequence just before the oldest record that is kept. */
    long origin();

    /** The last sequence known to be durable. */
    long forced();

    /** The SHA-256 of the last record, zeros when there was never one. */
    byte[] head();

    /** Deletes whole files that hold nothing but records at or before {@code sequence}. */
    void trim(long sequence) throws IOException;

    /** What was found and mended when the log was opened; empty when it had been closed cleanly and was well. */
    Optional<Mended> mended();

    /** The version of the Wharf that last wrote here. */
    String writer();

    /** An empty log of the same kind in another folder, which is made if it is not there. */
    RecordLog likewise(Path folder) throws IOException;

    /** The space taken on disk. */
    long sizeBytes();

    /** Forces, and leaves a note that the log was closed cleanly. */
    @Override
    void close() throws IOException;

    /**
     * What opening did.
     *
     * @param last the last record that was kept
     * @param droppedBytes what was cut from the end, saved aside first
     */
    record Mended(long last, long droppedBytes, String reason) {}

    /** A place in the log. */
    interface Reader extends Closeable {
        /**
         * The next record, or empty when there is none yet. Throws {@link DamagedRecords} once for records that are no longer
         * readable; the next call goes on behind them.
         */
        Optional<Envelope.Sealed> poll() throws IOException;

        @Override
        void close();
    }

    /** Records that were here once and cannot be read any more. */
    final class DamagedRecords extends IOException {
        private static final long serialVersionUID = 1L;

        private final long first;
        private final long last;
        private final String what;

        public DamagedRecords(long first, long last, String where) {
            super(describe(first, last, where));
            this.first = first;
            this.last = last;
            this.what = describe(first, last, where);
        }

        static String describe(long first, long last, String where) {
            return (first == last ? "record " + first + " is" : "records " + first + " to " + last + " are")
                    + " unreadable in " + where;
        }

        /** The message. */
        public String what() {
            return what;
        }

        public long first() {
            return first;
        }

        public long last() {
            return last;
        }
    }

    /** The log was written by a newer Wharf, or is none of ours; nothing was touched. */
    final class ForeignLog extends IOException {
        private static final long serialVersionUID = 1L;

        public ForeignLog(String message) {
            super(message);
        }
    }
}
