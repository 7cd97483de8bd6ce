package dev.wharf.core.loop;

import dev.wharf.core.journal.EventJournal;
import dev.wharf.core.journal.Position;
import dev.wharf.model.Digest;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/** A journal that leaves everything to another, for tests that change one thing. */
class Delegate implements EventJournal {
    private final EventJournal journal;

    Delegate(EventJournal journal) {
        this.journal = journal;
    }

    @Override
    public Position append(Batch batch) throws IOException {
        return journal.append(batch);
    }

    @Override
    public boolean hasRoom() {
        return journal.hasRoom();
    }

    @Override
    public void sync() throws IOException {
        journal.sync();
    }

    @Override
    public Reader open(Position position) throws IOException {
        return journal.open(position);
    }

    @Override
    public Position end() {
        return journal.end();
    }

    @Override
    public Position origin() {
        return journal.origin();
    }

    @Override
    public Digest head() {
        return journal.head();
    }

    @Override
    public void trim(Position position) throws IOException {
        journal.trim(position);
    }

    @Override
    public Optional<Damage> verify() throws IOException {
        return journal.verify();
    }

    @Override
    public Optional<Recovery> recovery() {
        return journal.recovery();
    }

    @Override
    public EventJournal likewise(Path folder) throws IOException {
        return journal.likewise(folder);
    }

    @Override
    public long sizeBytes() {
        return journal.sizeBytes();
    }

    @Override
    public void close() throws IOException {
        journal.close();
    }
}
