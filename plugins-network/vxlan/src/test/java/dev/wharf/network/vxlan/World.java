package dev.wharf.network.vxlan;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.linux.file.LinuxFileCalls;
import dev.wharf.linux.kernel.LinuxKernel;
import dev.wharf.linux.net.HomeNetwork;
import dev.wharf.linux.net.LinuxChildLinks;
import dev.wharf.linux.net.LinuxFirewall;
import dev.wharf.linux.net.LinuxHostPorts;
import dev.wharf.linux.net.LinuxLinks;
import dev.wharf.linux.net.LinuxNetworkEvents;
import dev.wharf.linux.net.LinuxTunnels;
import dev.wharf.linux.process.Epoll;
import dev.wharf.linux.process.LinuxNamespaces;
import dev.wharf.model.ContainerId;
import dev.wharf.model.NetworkId;
import dev.wharf.network.bridge.BridgeDriver;
import dev.wharf.spi.kernel.Sandbox;
import dev.wharf.spi.kernel.SandboxKey;
import dev.wharf.spi.network.Peer;
import dev.wharf.spi.network.PeerSource;
import dev.wharf.spi.network.Resident;
import dev.wharf.spi.network.Residents;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/** Machines of the test's own on one switch, each a network namespace, with sandboxes beside them. */
final class World implements AutoCloseable {
    private final Path dir;
    private final LinuxNamespaces namespaces = new LinuxNamespaces();
    private final LinuxKernel kernel;
    private final Epoll epoll = new Epoll();
    private final List<AutoCloseable> opened = new ArrayList<>();
    private final List<Peer> peers = new CopyOnWriteArrayList<>();
    private final List<Runnable> watchers = new CopyOnWriteArrayList<>();
    private final Sandbox plug;

    World(Path dir) throws Exception {
        this.dir = dir;
        kernel = new LinuxKernel(dir.resolve("data"), dir.resolve("exec"), new LinuxFileCalls(), namespaces);
        plug = sandbox(999);
        run(plug, "ip", "link", "add", "switch0", "type", "bridge");
        run(plug, "ip", "link", "set", "switch0", "up");
        opened.add(epoll);
    }

    Sandbox sandbox(int number) throws Exception {
        return kernel.createSandbox(SandboxKey.of(new ContainerId("%064x".formatted(number)), 1));
    }

    /** A machine with the address 198.51.100.(number + 1) and the number of a peer. */
    Machine machine(int number) throws Exception {
        return new Machine(number);
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
        final String agent;
        final Map<NetworkId, List<Resident>> here = new ConcurrentHashMap<>();
        private final LinuxFirewall firewall;
        private final LinuxHostPorts ports;
        private final List<Runnable> curious = new CopyOnWriteArrayList<>();
        Exchange exchange;

        Machine(int number) throws Exception {
            this.number = number;
            host = sandbox(900 + number);
            run(
                    plug,
                    "ip",
                    "link",
                    "add",
                    "port" + number,
                    "master",
                    "switch0",
                    "type",
                    "veth",
                    "peer",
                    "name",
                    "eth0",
                    "netns",
                    host.path().toString());
            run(plug, "ip", "link", "set", "port" + number, "up");
            run(host, "ip", "addr", "add", peer().address() + "/24", "dev", "eth0");
            run(host, "ip", "link", "set", "eth0", "up");
            home = new HomeNetwork(namespaces, Optional.of(host.path()));
            links = new LinuxLinks(home);
            children = new LinuxChildLinks(home);
            tunnels = new LinuxTunnels(home);
            firewall = new LinuxFirewall(home);
            ports = new LinuxHostPorts(home);
            opened.add(firewall);
            opened.add(ports);
            agent = "wharf-0000000" + number;
            exchange = exchange();
            opened.add(() -> exchange.close());
        }

        Peer peer() {
            return new Peer(number, "m" + number, "198.51.100." + (number + 1));
        }

        /** As of an agent that starts. */
        Exchange exchange() {
            Exchange fresh =
                    new Exchange(links, tunnels, agent, Exchange.PORT, dir.resolve("memory" + number), this::inside);
            fresh.ask(new PeerSource() {
                @Override
                public Peers peers() {
                    return new Peers(
                            peer(),
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

    <T> T in(Sandbox where, Callable<T> work) throws Exception {
        return namespaces.inNetwork(where.path(), work);
    }

    /** Answers each connection with the address that it came from. */
    void serve(Sandbox where, String address, int port) throws Exception {
        ServerSocket server = in(where, () -> new ServerSocket(port, 50, InetAddress.getByName(address)));
        opened.add(server);
        Thread thread = new Thread(() -> {
            try {
                while (true) {
                    try (Socket client = server.accept()) {
                        client.getOutputStream()
                                .write(client.getInetAddress().getHostAddress().getBytes(UTF_8));
                    }
                }
            } catch (IOException e) {
                // Closed: the test is over.
            }
        });
        thread.setDaemon(true);
        thread.start();
    }

    /** What a server at the address says, or {@code refused} or {@code silent}. */
    String ask(Sandbox from, String address, int port) throws Exception {
        return in(from, () -> {
            try (Socket socket = new Socket()) {
                socket.connect(new InetSocketAddress(address, port), 1500);
                socket.setSoTimeout(3000);
                return new String(socket.getInputStream().readAllBytes(), UTF_8);
            } catch (SocketTimeoutException e) {
                return "silent";
            } catch (IOException e) {
                return "refused";
            }
        });
    }

    List<String> run(Sandbox where, String... command) throws Exception {
        Process process = start(where, command);
        List<String> lines = new String(process.getInputStream().readAllBytes(), UTF_8)
                .lines()
                .toList();
        assertThat(process.waitFor())
                .as("%s: %s", String.join(" ", command), lines)
                .isZero();
        return lines;
    }

    /** A process in the sandbox that has begun. */
    void inhabit(Sandbox where) throws Exception {
        Process process = start(where, "sh", "-c", "echo in; exec sleep 60");
        opened.add(() -> process.destroyForcibly().waitFor());
        assertThat(process.getInputStream().read()).isEqualTo('i');
    }

    private static Process start(Sandbox where, String... command) throws IOException {
        String[] all = new String[command.length + 2];
        all[0] = "nsenter";
        all[1] = "--net=" + where.path();
        System.arraycopy(command, 0, all, 2, command.length);
        return new ProcessBuilder(all).redirectErrorStream(true).start();
    }

    @Override
    public void close() throws Exception {
        for (AutoCloseable each : opened) {
            each.close();
        }
        for (Sandbox sandbox : kernel.sandboxes()) {
            kernel.removeSandbox(sandbox.key());
        }
    }
}
