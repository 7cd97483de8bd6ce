package dev.wharf.log.file;

import dev.wharf.core.journal.EventJournal;
import dev.wharf.log.codec.EventCodec;
import dev.wharf.log.codec.record.ClosedLog;
import dev.wharf.log.codec.record.Disk;
import dev.wharf.log.codec.record.RecordJournal;
import dev.wharf.testkit.journal.JournalKit;
import java.io.IOException;
import java.nio.file.Path;

/** File journals with small segments. */
final class FileKit implements JournalKit<Disk> {
    private static final EventCodec CODEC = new EventCodec();

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
        return new RecordJournal(new FileLog(new FileLog.Options(directory, disk, "test", 32 << 10, 8 << 10)), CODEC);
    }

    @Override
    public EventJournal openClosed(Path directory) throws IOException {
        return new RecordJournal(ClosedLog.open(directory), CODEC);
    }

    @Override
    public boolean holdsRecords(Path file) {
        return file.toString().endsWith(".records");
    }
}
