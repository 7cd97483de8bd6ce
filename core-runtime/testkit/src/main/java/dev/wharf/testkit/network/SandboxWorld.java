package dev.wharf.testkit.network;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.model.ContainerId;
import dev.wharf.spi.kernel.Kernel;
import dev.wharf.spi.kernel.Namespaces;
import dev.wharf.spi.kernel.Sandbox;
import dev.wharf.spi.kernel.SandboxKey;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;

/** Sandboxes of the test's own, one of which may play the host, wires between them, and programs in them that talk. */
public class SandboxWorld implements AutoCloseable {
    private final Kernel kernel;
    private final Namespaces namespaces;
    private final List<AutoCloseable> opened = new ArrayList<>();

    protected SandboxWorld(Kernel kernel, Namespaces namespaces) {
        this.kernel = kernel;
        this.namespaces = namespaces;
    }

    public Sandbox sandbox(int number) throws Exception {
        return kernel.createSandbox(SandboxKey.of(new ContainerId("%064x".formatted(number)), 1));
    }

    /** A sandbox at the other end of a wire: its end is eth0 and has the address, the near end is up. */
    public Sandbox machine(int number, Sandbox near, String nearEnd, String address) throws Exception {
        Sandbox machine = sandbox(number);
        run(
                near,
                "ip",
                "link",
                "add",
                nearEnd,
                "type",
                "veth",
                "peer",
                "name",
                "eth0",
                "netns",
                machine.path().toString());
        run(near, "ip", "link", "set", nearEnd, "up");
        run(machine, "ip", "addr", "add", address, "dev", "eth0");
        run(machine, "ip", "link", "set", "eth0", "up");
        return machine;
    }

    public <T> T in(Sandbox where, Callable<T> work) throws Exception {
        return namespaces.inNetwork(where.path(), work);
    }

    /** Answers each connection with the address that it came from. */
    public void serve(Sandbox where, String address, int port) throws Exception {
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

    /** Answers each datagram with the address that it came from. */
    public void serveDatagrams(Sandbox where, int port) throws Exception {
        DatagramSocket server = in(where, () -> new DatagramSocket(port));
        opened.add(server);
        Thread thread = new Thread(() -> {
            try {
                while (true) {
                    DatagramPacket packet = new DatagramPacket(new byte[100], 100);
                    server.receive(packet);
                    byte[] answer = packet.getAddress().getHostAddress().getBytes(UTF_8);
                    server.send(new DatagramPacket(answer, answer.length, packet.getSocketAddress()));
                }
            } catch (IOException e) {
                // Closed: the test is over.
            }
        });
        thread.setDaemon(true);
        thread.start();
    }

    /** What a server at the address says, or {@code refused} or {@code silent}. */
    public String ask(Sandbox from, String address, int port) throws Exception {
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

    /** The same by datagram. */
    public String askByDatagram(Sandbox from, String address, int port) throws Exception {
        return in(from, () -> {
            try (DatagramSocket socket = new DatagramSocket()) {
                socket.setSoTimeout(1500);
                socket.send(new DatagramPacket(new byte[] {'?'}, 1, InetAddress.getByName(address), port));
                DatagramPacket answer = new DatagramPacket(new byte[100], 100);
                socket.receive(answer);
                return new String(answer.getData(), 0, answer.getLength(), UTF_8);
            } catch (SocketTimeoutException e) {
                return "silent";
            }
        });
    }

    public List<String> run(Sandbox where, String... command) throws Exception {
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
    public void inhabit(Sandbox where) throws Exception {
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

    /** Is closed with the world, in the order of opening. */
    public <T extends AutoCloseable> T open(T closeable) {
        opened.add(closeable);
        return closeable;
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
