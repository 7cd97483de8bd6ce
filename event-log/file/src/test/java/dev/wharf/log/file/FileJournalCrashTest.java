package dev.wharf.log.file;

import dev.wharf.log.codec.record.Disk;
import dev.wharf.testkit.journal.JournalCrashContract;
import dev.wharf.testkit.journal.JournalKit;

class FileJournalCrashTest extends JournalCrashContract<Disk> {
    @Override
    protected JournalKit<Disk> kit() {
        return new FileKit();
    }

    @Override
    protected int seeds() {
        return 2000;
    }
}
