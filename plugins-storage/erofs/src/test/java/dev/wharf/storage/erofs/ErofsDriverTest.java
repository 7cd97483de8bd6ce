package dev.wharf.storage.erofs;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.wharf.linux.file.LinuxFileCalls;
import dev.wharf.linux.file.LinuxTree;
import dev.wharf.linux.kernel.LinuxMountCalls;
import dev.wharf.oci.layer.Limits;
import dev.wharf.spi.storage.StorageDriver;
import dev.wharf.testkit.storage.Ports;
import dev.wharf.testkit.storage.StorageDriverContract;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;

class ErofsDriverTest extends StorageDriverContract {
    @BeforeAll
    static void theKernelCan() throws IOException {
        assumeTrue(isInKernel(), "the kernel has no erofs, so nothing can be mounted; see UnmountedTest for the rest");
    }

    static boolean isInKernel() throws IOException {
        return Files.readAllLines(Path.of("/proc/filesystems")).stream().anyMatch(line -> line.endsWith("\terofs"));
    }

    @Override
    protected Ports ports() {
        return new Ports(new LinuxFileCalls(), new LinuxTree(), new LinuxMountCalls());
    }

    @Override
    protected StorageDriver driver(Path root, Ports ports, Limits limits) {
        return new ErofsDriver(root, ports.files(), ports.tree(), ports.mounts(), limits);
    }
}
