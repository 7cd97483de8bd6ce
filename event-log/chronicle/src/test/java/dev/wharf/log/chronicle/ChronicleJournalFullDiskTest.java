package dev.wharf.log.chronicle;

import dev.wharf.log.codec.record.Disk;
import dev.wharf.testkit.journal.JournalFullDiskContract;
import dev.wharf.testkit.journal.JournalKit;

class ChronicleJournalFullDiskTest extends JournalFullDiskContract<Disk> {
    @Override
    protected JournalKit<Disk> kit() {
        return new ChronicleKit(64 << 10);
    }
}
