package dev.wharf.log.chronicle;

import dev.wharf.log.codec.record.Disk;
import dev.wharf.testkit.journal.JournalContract;
import dev.wharf.testkit.journal.JournalKit;

class ChronicleJournalTest extends JournalContract<Disk> {
    @Override
    protected JournalKit<Disk> kit() {
        return new ChronicleKit(16 << 20);
    }

    @Override
    protected JournalKit<Disk> smallKit() {
        return new ChronicleKit(64 << 10);
    }
}
