package dev.wharf.linux.kernel;

import dev.wharf.linux.file.LinuxFileCalls;
import dev.wharf.linux.process.LinuxNamespaces;
import dev.wharf.spi.kernel.Kernel;
import dev.wharf.testkit.kernel.KernelContract;
import java.nio.file.Path;
import java.util.List;

class LinuxKernelTest extends KernelContract {
    @Override
    protected Kernel kernel(Path dataRoot, Path execRoot) throws Exception {
        return new LinuxKernel(dataRoot, execRoot, new LinuxFileCalls(), new LinuxNamespaces());
    }

    @Override
    protected List<Path> remains(Path volume) {
        return List.of(volume.resolveSibling("_copying"));
    }
}
