package dev.wharf.log.file;

import dev.wharf.log.codec.record.Disk;
import dev.wharf.testkit.journal.JournalContract;
import dev.wharf.testkit.journal.JournalKit;

class FileJournalTest extends JournalContract<Disk> {
    @Override
    protected JournalKit<Disk> kit() {
        return new FileKit();
    }
}
