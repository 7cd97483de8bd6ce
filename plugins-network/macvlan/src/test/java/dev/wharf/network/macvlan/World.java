package dev.wharf.network.macvlan;

import dev.wharf.linux.file.LinuxFileCalls;
import dev.wharf.linux.kernel.LinuxKernel;
import dev.wharf.linux.net.HomeNetwork;
import dev.wharf.linux.net.LinuxChildLinks;
import dev.wharf.linux.net.LinuxLinks;
import dev.wharf.linux.process.LinuxNamespaces;
import dev.wharf.spi.kernel.Sandbox;
import dev.wharf.testkit.network.SandboxWorld;
import java.nio.file.Path;
import java.util.Optional;

/** A network of the test's own that plays the host, and sandboxes beside it. */
final class World extends SandboxWorld {
    final Sandbox host;
    final HomeNetwork home;
    final LinuxLinks links;
    final LinuxChildLinks children;

    World(Path dir) throws Exception {
        this(dir, new LinuxNamespaces());
    }

    private World(Path dir, LinuxNamespaces namespaces) throws Exception {
        super(new LinuxKernel(dir.resolve("data"), dir.resolve("exec"), new LinuxFileCalls(), namespaces), namespaces);
        host = sandbox(0);
        home = new HomeNetwork(namespaces, Optional.of(host.path()));
        links = new LinuxLinks(home);
        children = new LinuxChildLinks(home);
    }

    /** A machine at the other end of a wire of the host's, wire0; it has the address. */
    Sandbox machine(String address) throws Exception {
        return machine(99, host, "wire0", address);
    }
}
