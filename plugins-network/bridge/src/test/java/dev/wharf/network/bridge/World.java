package dev.wharf.network.bridge;

import dev.wharf.linux.file.LinuxFileCalls;
import dev.wharf.linux.kernel.LinuxKernel;
import dev.wharf.linux.net.HomeNetwork;
import dev.wharf.linux.net.LinuxFirewall;
import dev.wharf.linux.net.LinuxHostPorts;
import dev.wharf.linux.net.LinuxLinks;
import dev.wharf.linux.net.LinuxNetworkEvents;
import dev.wharf.linux.process.Epoll;
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
    final LinuxFirewall firewall;
    private final Epoll epoll;

    World(Path dir) throws Exception {
        this(dir, new LinuxNamespaces());
    }

    private World(Path dir, LinuxNamespaces namespaces) throws Exception {
        super(new LinuxKernel(dir.resolve("data"), dir.resolve("exec"), new LinuxFileCalls(), namespaces), namespaces);
        host = sandbox(0);
        home = new HomeNetwork(namespaces, Optional.of(host.path()));
        links = new LinuxLinks(home);
        firewall = open(new LinuxFirewall(home));
        epoll = open(new Epoll());
    }

    /** A driver with nothing in memory. One daemon holds ports for all of its drivers, so they share those. */
    BridgeDriver driver(LinuxHostPorts ports, String agent) {
        return new BridgeDriver(links, firewall, ports, new LinuxNetworkEvents(home, epoll), agent);
    }

    LinuxHostPorts ports() {
        return open(new LinuxHostPorts(home));
    }

    /** A machine on the host's outer network, 198.51.100.0/24; the host is .1 and the machine .2, its router the host. */
    Sandbox outside() throws Exception {
        Sandbox outside = machine(99, host, "out0", "198.51.100.2/24");
        run(host, "ip", "addr", "add", "198.51.100.1/24", "dev", "out0");
        return outside;
    }
}
