package dev.wharf.linux.net;

import dev.wharf.linux.file.LinuxFileCalls;
import dev.wharf.linux.kernel.LinuxKernel;
import dev.wharf.linux.process.LinuxNamespaces;
import dev.wharf.spi.kernel.Sandbox;
import dev.wharf.testkit.network.SandboxWorld;
import java.nio.file.Path;
import java.util.Optional;

/** A network of the test's own that plays the host, and sandboxes beside it. */
final class World extends SandboxWorld {
    final Sandbox host;
    final HomeNetwork home;
    final LinuxNamespaces namespaces;

    World(Path dir) throws Exception {
        this(dir, new LinuxNamespaces());
    }

    private World(Path dir, LinuxNamespaces namespaces) throws Exception {
        super(new LinuxKernel(dir.resolve("data"), dir.resolve("exec"), new LinuxFileCalls(), namespaces), namespaces);
        host = sandbox(0);
        home = new HomeNetwork(namespaces, Optional.of(host.path()));
        this.namespaces = namespaces;
    }
}
