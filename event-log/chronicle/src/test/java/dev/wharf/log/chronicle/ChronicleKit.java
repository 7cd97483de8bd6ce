package dev.wharf.log.chronicle;

import dev.wharf.core.journal.EventJournal;
import dev.wharf.log.codec.EventCodec;
import dev.wharf.log.codec.record.ClosedLog;
import dev.wharf.log.codec.record.Disk;
import dev.wharf.log.codec.record.RecordJournal;
import dev.wharf.testkit.journal.JournalKit;
import java.io.IOException;
import java.nio.file.Path;

/** Chronicle journals with small files. */
final class ChronicleKit implements JournalKit<Disk> {
    private static final EventCodec CODEC = new EventCodec();

    static {
        // With assertions on it keeps a list of every queue that was ever open and walks it for the next: here,
        // thousands.
        ClassLoader.getSystemClassLoader().setPackageAssertionStatus("net.openhft", false);
    }

    private final int blockBytes;

    /** @param blockBytes small ones make small files, and limit a batch to 64 KiB */
    ChronicleKit(int blockBytes) {
        this.blockBytes = blockBytes;
    }

    @Override
    public Class<Disk> diskType() {
        return Disk.class;
    }

    @Override
    public Disk disk() {
        return Disk.REAL;
    }

    @Override
    public EventJournal open(Path directory, Disk disk) throws IOException {
        return new RecordJournal(
                new ChronicleLog(new ChronicleLog.Options(
                        directory, disk, "test", 128 << 10, 16 << 10, blockBytes, Runnable::run)),
                CODEC);
    }

    @Override
    public EventJournal openClosed(Path directory) throws IOException {
        return new RecordJournal(ClosedLog.open(directory), CODEC);
    }

    @Override
    public boolean holdsRecords(Path file) {
        return file.toString().endsWith(".cq4");
    }
}
