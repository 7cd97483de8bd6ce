package dev.wharf.network.cni;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.linux.file.LinuxFileCalls;
import dev.wharf.linux.kernel.LinuxKernel;
import dev.wharf.linux.net.HomeNetwork;
import dev.wharf.linux.net.LinuxChildLinks;
import dev.wharf.linux.net.LinuxHostPorts;
import dev.wharf.linux.process.LinuxNamespaces;
import dev.wharf.model.ContainerId;
import dev.wharf.spi.kernel.Sandbox;
import dev.wharf.spi.kernel.SandboxKey;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;

/** A network of the test's own that plays the host, sandboxes beside it, and programs that talk. */
final class World implements AutoCloseable {
    final LinuxNamespaces namespaces = new LinuxNamespaces();
    final LinuxKernel kernel;
    final Sandbox host;
    final HomeNetwork home;
    final LinuxChildLinks children;
    private final LinuxHostPorts ports;
    private final Path dir;
    private final List<AutoCloseable> opened = new ArrayList<>();

    World(Path dir) throws Exception {
        kernel = new LinuxKernel(dir.resolve("data"), dir.resolve("exec"), new LinuxFileCalls(), namespaces);
        host = sandbox(0);
        home = new HomeNetwork(namespaces, Optional.of(host.path()));
        children = new LinuxChildLinks(home);
        ports = new LinuxHostPorts(home);
        opened.add(ports);
        this.dir = dir;
    }

    Sandbox sandbox(int number) throws Exception {
        return kernel.createSandbox(SandboxKey.of(new ContainerId("%064x".formatted(number)), 1));
    }

    /** A driver with nothing in memory. One daemon holds ports for all of its drivers, so they share those. */
    CniDriver driver(String agent, Path lists, Path... programs) {
        CniDriver.Settings settings =
                new CniDriver.Settings(lists, List.of(programs), List.of("nsenter", "--net=" + host.path()));
        return new CniDriver(children, ports, dir.resolve("exec/cni"), agent, () -> settings);
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
