package dev.wharf.network.vxlan;

import dev.wharf.linux.file.LinuxFileCalls;
import dev.wharf.linux.kernel.LinuxKernel;
import dev.wharf.linux.net.HomeNetwork;
import dev.wharf.linux.net.LinuxChildLinks;
import dev.wharf.linux.net.LinuxFirewall;
import dev.wharf.linux.net.LinuxHostPorts;
import dev.wharf.linux.net.LinuxLinks;
import dev.wharf.linux.net.LinuxNetworkEvents;
import dev.wharf.linux.net.LinuxTunnels;
import dev.wharf.linux.net.LinuxWireGuard;
import dev.wharf.linux.process.Epoll;
import dev.wharf.linux.process.LinuxNamespaces;
import dev.wharf.model.NetworkId;
import dev.wharf.network.bridge.BridgeDriver;
import dev.wharf.spi.kernel.Sandbox;
import dev.wharf.spi.network.Peer;
import dev.wharf.spi.network.PeerSource;
import dev.wharf.spi.network.Resident;
import dev.wharf.spi.network.Residents;
import dev.wharf.testkit.network.SandboxWorld;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/** Machines of the test's own on one switch, each a network namespace, with sandboxes beside them. */
final class World extends SandboxWorld {
    private final Path dir;
    private final LinuxNamespaces namespaces;
    private final Epoll epoll;
    private final List<Peer> peers = new CopyOnWriteArrayList<>();
    private final List<Runnable> watchers = new CopyOnWriteArrayList<>();
    private final Sandbox plug;

    World(Path dir) throws Exception {
        this(dir, new LinuxNamespaces());
    }

    private World(Path dir, LinuxNamespaces namespaces) throws Exception {
        super(new LinuxKernel(dir.resolve("data"), dir.resolve("exec"), new LinuxFileCalls(), namespaces), namespaces);
        this.dir = dir;
        this.namespaces = namespaces;
        plug = sandbox(999);
        run(plug, "ip", "link", "add", "switch0", "type", "bridge");
        run(plug, "ip", "link", "set", "switch0", "up");
        epoll = open(new Epoll());
    }

    /** A machine with the address 198.51.100.(number + 1) and the number of a peer. */
    Machine machine(int number) throws Exception {
        return new Machine(number);
    }

    /** As {@link #know}, with everybody's key. */
    void knowKeys(Machine... all) throws Exception {
        Peer[] known = new Peer[all.length];
        for (int i = 0; i < all.length; i++) {
            known[i] = all[i].peer().withKey(all[i].link.key().orElseThrow());
        }
        know(known);
    }

    /** Everybody hears of the change at once. */
    void know(Peer... all) {
        peers.clear();
        peers.addAll(List.of(all));
        watchers.forEach(Runnable::run);
    }

    final class Machine {
        final int number;
        final Sandbox host;
        final HomeNetwork home;
        final LinuxLinks links;
        final LinuxChildLinks children;
        final LinuxTunnels tunnels;
        final LinuxWireGuard wireGuard;
        final SealedLink link;
        final String agent;
        final Map<NetworkId, List<Resident>> here = new ConcurrentHashMap<>();
        private final LinuxFirewall firewall;
        private final LinuxHostPorts ports;
        private final List<Runnable> curious = new CopyOnWriteArrayList<>();
        Exchange exchange;

        Machine(int number) throws Exception {
            this.number = number;
            host = World.this.machine(900 + number, plug, "port" + number, peer().address() + "/24");
            run(plug, "ip", "link", "set", "port" + number, "master", "switch0");
            home = new HomeNetwork(namespaces, Optional.of(host.path()));
            links = new LinuxLinks(home);
            children = new LinuxChildLinks(home);
            tunnels = new LinuxTunnels(home);
            wireGuard = new LinuxWireGuard(home);
            firewall = open(new LinuxFirewall(home));
            ports = open(new LinuxHostPorts(home));
            agent = "wharf-0000000" + number;
            link = new SealedLink(links, wireGuard, agent, dir.resolve("keys" + number));
            exchange = exchange();
            open(() -> exchange.close());
        }

        Peer peer() {
            return new Peer(number, "m" + number, "198.51.100." + (number + 1));
        }

        /** As of an agent that starts. */
        Exchange exchange() {
            Exchange fresh = new Exchange(
                    links, tunnels, link, agent, Exchange.PORT, dir.resolve("memory" + number), this::inside);
            fresh.ask(new PeerSource() {
                @Override
                public Peers peers() {
                    return new Peers(
                            peers.stream()
                                    .filter(p -> p.number() == number)
                                    .findFirst()
                                    .orElse(peer()),
                            peers.stream().filter(p -> p.number() != number).toList());
                }

                @Override
                public AutoCloseable watch(Runnable changed) {
                    watchers.add(changed);
                    return () -> watchers.remove(changed);
                }
            });
            fresh.meet(new Residents() {
                @Override
                public List<Resident> of(NetworkId network) {
                    return here.getOrDefault(network, List.of());
                }

                @Override
                public AutoCloseable watch(Runnable changed) {
                    curious.add(changed);
                    return () -> curious.remove(changed);
                }
            });
            return fresh;
        }

        void restartExchange() {
            exchange.close();
            exchange = exchange();
        }

        void settle(Resident... residents) {
            here.clear();
            for (Resident each : residents) {
                here.merge(each.network(), List.of(each), (a, b) -> {
                    List<Resident> both = new ArrayList<>(a);
                    both.addAll(b);
                    return both;
                });
            }
            curious.forEach(Runnable::run);
        }

        OverlayDriver driver() {
            LinuxNetworkEvents events = new LinuxNetworkEvents(home, epoll);
            return new OverlayDriver(
                    links,
                    children,
                    tunnels,
                    events,
                    exchange,
                    agent,
                    new BridgeDriver(links, firewall, ports, events, agent));
        }

        private <T> T inside(Callable<T> work) throws Exception {
            return in(host, work);
        }
    }
}
