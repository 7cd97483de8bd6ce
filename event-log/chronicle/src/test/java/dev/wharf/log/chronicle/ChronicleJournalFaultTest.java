package dev.wharf.log.chronicle;

import dev.wharf.log.codec.record.Disk;
import dev.wharf.testkit.journal.JournalFaultContract;
import dev.wharf.testkit.journal.JournalKit;

class ChronicleJournalFaultTest extends JournalFaultContract<Disk> {
    @Override
    protected JournalKit<Disk> kit() {
        return new ChronicleKit(64 << 10);
    }
}
