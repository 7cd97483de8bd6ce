package dev.wharf.network.cni;

import dev.wharf.linux.file.LinuxFileCalls;
import dev.wharf.linux.kernel.LinuxKernel;
import dev.wharf.linux.net.HomeNetwork;
import dev.wharf.linux.net.LinuxChildLinks;
import dev.wharf.linux.net.LinuxHostPorts;
import dev.wharf.linux.process.LinuxNamespaces;
import dev.wharf.spi.kernel.Sandbox;
import dev.wharf.testkit.network.SandboxWorld;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** A network of the test's own that plays the host, and sandboxes beside it. */
final class World extends SandboxWorld {
    final Sandbox host;
    final HomeNetwork home;
    final LinuxChildLinks children;
    private final LinuxHostPorts ports;
    private final Path dir;

    World(Path dir) throws Exception {
        this(dir, new LinuxNamespaces());
    }

    private World(Path dir, LinuxNamespaces namespaces) throws Exception {
        super(new LinuxKernel(dir.resolve("data"), dir.resolve("exec"), new LinuxFileCalls(), namespaces), namespaces);
        host = sandbox(0);
        home = new HomeNetwork(namespaces, Optional.of(host.path()));
        children = new LinuxChildLinks(home);
        ports = open(new LinuxHostPorts(home));
        this.dir = dir;
    }

    /** A driver with nothing in memory. One daemon holds ports for all of its drivers, so they share those. */
    CniDriver driver(String agent, Path lists, Path... programs) {
        CniDriver.Settings settings =
                new CniDriver.Settings(lists, List.of(programs), List.of("nsenter", "--net=" + host.path()));
        return new CniDriver(children, ports, dir.resolve("exec/cni"), agent, () -> settings);
    }
}
