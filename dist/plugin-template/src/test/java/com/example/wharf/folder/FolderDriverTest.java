package com.example.wharf.folder;

import dev.wharf.linux.file.LinuxFileCalls;
import dev.wharf.linux.file.LinuxTree;
import dev.wharf.linux.kernel.LinuxMountCalls;
import dev.wharf.oci.layer.Limits;
import dev.wharf.spi.storage.StorageDriver;
import dev.wharf.testkit.storage.Ports;
import dev.wharf.testkit.storage.StorageDriverContract;
import java.nio.file.Path;

class FolderDriverTest extends StorageDriverContract {
    @Override
    protected Ports ports() {
        return new Ports(new LinuxFileCalls(), new LinuxTree(), new LinuxMountCalls());
    }

    @Override
    protected StorageDriver driver(Path root, Ports ports, Limits limits) {
        return new FolderDriver(root, ports.files(), ports.tree(), limits);
    }
}
