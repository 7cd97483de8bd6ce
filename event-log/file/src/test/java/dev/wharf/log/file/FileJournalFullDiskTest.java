package dev.wharf.log.file;

import dev.wharf.log.codec.record.Disk;
import dev.wharf.testkit.journal.JournalFullDiskContract;
import dev.wharf.testkit.journal.JournalKit;

class FileJournalFullDiskTest extends JournalFullDiskContract<Disk> {
    @Override
    protected JournalKit<Disk> kit() {
        return new FileKit();
    }
}
