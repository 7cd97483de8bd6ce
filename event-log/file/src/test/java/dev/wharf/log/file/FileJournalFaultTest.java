package dev.wharf.log.file;

import dev.wharf.log.codec.record.Disk;
import dev.wharf.testkit.journal.JournalFaultContract;
import dev.wharf.testkit.journal.JournalKit;

class FileJournalFaultTest extends JournalFaultContract<Disk> {
    @Override
    protected JournalKit<Disk> kit() {
        return new FileKit();
    }
}
