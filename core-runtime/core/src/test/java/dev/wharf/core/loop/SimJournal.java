package dev.wharf.core.loop;

import dev.wharf.core.journal.BatchTooLargeException;
import dev.wharf.core.journal.DamagedException;
import dev.wharf.core.journal.EventJournal;
import dev.wharf.core.journal.JournalFullException;
import dev.wharf.core.journal.Position;
import dev.wharf.model.Digest;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * A journal in memory that forgets what was not synced when the power fails. The disk may be full, and the daemon may die
 * just before and just after an append.
 */
final class SimJournal implements EventJournal {
    private final SimWorld world;
    private final List<Batch> batches = new ArrayList<>();
    private int synced;

    /** How many more appends find no space. */
    private int full;

    private Position origin = Position.START;

    /** Whether the disk takes nothing any more, which shows when something is to be there for sure. */
    volatile boolean diskFails;

    /** What is more than one batch takes. */
    Predicate<Batch> tooLarge = b -> b.isCheckpoint() && b.events().size() > 50;

    /** Whether somebody overwrote it. */
    volatile Predicate<Batch> unreadable = b -> false;

    SimJournal(SimWorld world) {
        this.world = world;
    }

    /** Takes away everything appended since the last sync. */
    synchronized void losePower() {
        while (batches.size() > synced) {
            batches.remove(batches.size() - 1);
        }
    }

    synchronized List<Batch> batches() {
        return batches;
    }

    @Override
    public synchronized Position append(Batch batch) throws IOException {
        if (tooLarge.test(batch)) {
            throw new BatchTooLargeException(batch.events().size() + " events");
        }
        world.mayCrash();
        if (world.stormy && world.chance.nextInt(20_000) < world.crashes) {
            throw new IOException("input/output error");
        }
        if (world.stormy && world.chance.nextInt(2_000) < world.crashes) {
            full = 1 + world.chance.nextInt(20);
        }
        if (full > 0 && world.stormy) {
            full--;
            throw new JournalFullException("no space left on device", new IOException());
        }
        batches.add(batch);
        world.mayCrash();
        return end();
    }

    @Override
    public boolean hasRoom() {
        return !(world.stormy && world.chance.nextInt(1_000) < world.crashes);
    }

    @Override
    public synchronized void sync() throws IOException {
        if (diskFails) {
            throw new IOException("disk is gone");
        }
        synced = batches.size();
    }

    @Override
    public Reader open(Position position) {
        return new Reader() {
            private int next = (int) position.sequence();

            @Override
            public Optional<Entry> poll() throws DamagedException {
                synchronized (SimJournal.this) {
                    if (next >= batches.size()) {
                        return Optional.empty();
                    }
                    Batch batch = batches.get(next++);
                    Position position = new Position(next);
                    if (unreadable.test(batch)) {
                        throw new DamagedException(
                                new Damage(position, "record " + position + " is unreadable"), position);
                    }
                    return Optional.of(new Entry(position, batch));
                }
            }

            @Override
            public Digest head() {
                return Digest.sha256("sim");
            }

            @Override
            public void close() {}
        };
    }

    @Override
    public synchronized Position end() {
        return new Position(batches.size());
    }

    @Override
    public synchronized Position origin() {
        return origin;
    }

    @Override
    public Digest head() {
        return Digest.sha256("sim");
    }

    @Override
    public synchronized void trim(Position position) {
        origin = position;
    }

    @Override
    public Optional<Damage> verify() {
        return Optional.empty();
    }

    @Override
    public Optional<Recovery> recovery() {
        return Optional.empty();
    }

    @Override
    public EventJournal likewise(Path folder) {
        return new SimJournal(world);
    }

    @Override
    public long sizeBytes() {
        return batches.size();
    }

    @Override
    public void close() {}
}
