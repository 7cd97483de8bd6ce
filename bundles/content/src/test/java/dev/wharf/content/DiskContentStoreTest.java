package dev.wharf.content;

import dev.wharf.linux.file.LinuxFileCalls;
import dev.wharf.linux.file.LinuxTree;
import dev.wharf.linux.hash.LinuxHashing;
import dev.wharf.linux.kernel.LinuxMountCalls;
import dev.wharf.spi.content.ContentStore;
import dev.wharf.spi.kernel.FileCalls;
import dev.wharf.testkit.content.ContentStoreContract;
import dev.wharf.testkit.storage.Ports;
import java.nio.file.Path;

class DiskContentStoreTest extends ContentStoreContract {
    @Override
    protected Ports ports() {
        return new Ports(new LinuxFileCalls(), new LinuxTree(), new LinuxMountCalls());
    }

    @Override
    protected ContentStore store(Path root, FileCalls files) {
        return new DiskContentStore(root, files, new LinuxHashing(), new Unfolding(RATIO, FREE_BYTES, 1L << 40));
    }
}
