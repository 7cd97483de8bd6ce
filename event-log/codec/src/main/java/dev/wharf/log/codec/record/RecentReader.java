package dev.wharf.log.codec.record;

import dev.wharf.core.journal.EventJournal.Entry;
import dev.wharf.core.journal.EventJournal.Reader;
import dev.wharf.model.Digest;
import java.io.IOException;
import java.util.Optional;

/**
 * Reads what was appended a moment ago from memory and opens the log only for what lies further back: most readers are at the
 * end and wait there, many of them for one batch only.
 */
final class RecentReader implements Reader {
    private final RecordJournal journal;
    private long next;
    private Optional<BatchReader> log = Optional.empty();
    /** The end of the chain as of the last batch that was remembered. */
    private byte[] head = Envelope.genesis();

    /** Reads what comes after {@code position}. */
    RecentReader(RecordJournal journal, long position) {
        this.journal = journal;
        this.next = position + 1;
    }

    @Override
    public Optional<Entry> poll() throws IOException {
        Optional<RecordJournal.Recent> recent = journal.recent(next);
        if (recent.isPresent()) {
            closeLog();
            head = recent.get().hash();
            next++;
            return Optional.of(recent.get().entry());
        }
        if (log.isEmpty()) {
            if (next > journal.last()) {
                return Optional.empty();
            }
            log = Optional.of(journal.read(next - 1));
        }
        Optional<Entry> entry = log.get().poll();
        if (entry.isPresent()) {
            next = entry.get().position().sequence() + 1;
        }
        return entry;
    }

    @Override
    public Optional<byte[]> text(int index) {
        return log.flatMap(reader -> reader.text(index));
    }

    @Override
    public Digest head() {
        return Digest.of("sha256", log.flatMap(BatchReader::headHash).orElse(head));
    }

    private void closeLog() {
        log.ifPresent(BatchReader::close);
        log = Optional.empty();
    }

    @Override
    public void close() {
        closeLog();
    }
}
