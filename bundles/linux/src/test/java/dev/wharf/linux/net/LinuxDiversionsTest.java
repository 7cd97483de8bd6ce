package dev.wharf.linux.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.kernel.Sandbox;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 120, unit = TimeUnit.SECONDS)
class LinuxDiversionsTest {
    private static final String RESOLVER = "127.0.0.11";

    @TempDir
    private Path dir;

    private World world;
    private Sandbox sandbox;
    private LinuxDiversions diversions;

    @BeforeEach
    void open() throws Exception {
        world = new World(dir);
        sandbox = world.sandbox(1);
        diversions = new LinuxDiversions(world.home);
    }

    @AfterEach
    void close() throws Exception {
        world.close();
    }

    private <T> T inside(Callable<T> work) throws Exception {
        return world.namespaces.inNetwork(sandbox.path(), work);
    }

    private static InetAddress address() throws Exception {
        return InetAddress.getByName(RESOLVER);
    }

    @Test
    void datagramsReachTheOtherPortAndAnswersComeFromTheOneThatWasAsked() throws Exception {
        try (DatagramSocket server = inside(() -> new DatagramSocket(0, address()));
                DatagramSocket client = inside(() -> new DatagramSocket())) {
            diversions.divert(sandbox.path(), RESOLVER, 53, server.getLocalPort(), 1);
            client.setSoTimeout(5000);
            client.connect(new InetSocketAddress(address(), 53));
            client.send(new DatagramPacket(new byte[] {7}, 1));
            DatagramPacket question = new DatagramPacket(new byte[9], 9);
            server.receive(question);
            server.send(new DatagramPacket(new byte[] {8, 9}, 2, question.getSocketAddress()));
            DatagramPacket answer = new DatagramPacket(new byte[9], 9);
            client.receive(answer);

            assertThat(question.getLength()).isEqualTo(1);
            assertThat(answer.getLength()).isEqualTo(2);
        }
    }

    @Test
    void connectionsReachTheOtherPortWhileTheOneThatWasAskedIsSomebodyElses() throws Exception {
        try (ServerSocket server = inside(() -> new ServerSocket(0, 5, address()));
                ServerSocket other = inside(() -> new ServerSocket(53))) {
            diversions.divert(sandbox.path(), RESOLVER, 53, 1, server.getLocalPort());
            try (Socket client = inside(() -> new Socket(address(), 53));
                    Socket accepted = server.accept()) {
                client.getOutputStream().write(5);
                accepted.getOutputStream().write(accepted.getInputStream().read() + 1);

                assertThat(client.getInputStream().read()).isEqualTo(6);
            }
            try (Socket client = inside(() -> new Socket(InetAddress.getByName("127.0.0.1"), 53));
                    Socket accepted = other.accept()) {
                accepted.getOutputStream().write(3);

                assertThat(client.getInputStream().read()).isEqualTo(3);
            }
        }
    }

    @Test
    void theNewestDiversionIsTheOnlyOneAndTracksNoConnections() throws Exception {
        diversions.divert(sandbox.path(), RESOLVER, 53, 1001, 1002);
        diversions.divert(sandbox.path(), RESOLVER, 53, 2001, 2002);

        String rules = String.join("\n", world.run(sandbox, "nft", "list", "ruleset"));

        assertThat(rules)
                .contains("ip daddr 127.0.0.11 udp dport 53 udp dport set 2001")
                .contains("ip daddr 127.0.0.11 tcp dport 53 tcp dport set 2002")
                .contains("ip saddr 127.0.0.11 udp sport 2001 udp sport set 53")
                .contains("ip saddr 127.0.0.11 tcp sport 2002 tcp sport set 53")
                .doesNotContain("1001")
                .doesNotContain("nat");
    }

    @Test
    void whereThereIsNoSandboxItIsMissing() {
        assertThatThrownBy(() -> diversions.divert(dir.resolve("none"), RESOLVER, 53, 1, 2))
                .isInstanceOfSatisfying(
                        DriverException.class,
                        e -> assertThat(e.failure().kind()).isEqualTo(Failure.Kind.MISSING));
    }
}
