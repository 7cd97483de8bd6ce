package dev.wharf.log.chronicle;

import dev.wharf.log.codec.record.Disk;
import dev.wharf.testkit.journal.JournalCrashContract;
import dev.wharf.testkit.journal.JournalKit;

class ChronicleJournalCrashTest extends JournalCrashContract<Disk> {
    @Override
    protected JournalKit<Disk> kit() {
        return new ChronicleKit(64 << 10);
    }

    @Override
    protected int seeds() {
        return 2000;
    }
}
