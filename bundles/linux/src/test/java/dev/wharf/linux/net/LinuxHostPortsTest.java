package dev.wharf.linux.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import java.io.IOException;
import java.net.BindException;
import java.net.ConnectException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 120, unit = TimeUnit.SECONDS)
class LinuxHostPortsTest {
    private static final InetAddress LOOPBACK = InetAddress.getLoopbackAddress();

    @TempDir
    private Path dir;

    private World world;
    private LinuxHostPorts ports;

    @BeforeEach
    void open() throws Exception {
        world = new World(dir);
        ports = new LinuxHostPorts(world.home);
    }

    @AfterEach
    void close() throws Exception {
        ports.close();
        world.close();
    }

    @Test
    void noOtherProgramCanTakeAHeldPort() throws Exception {
        ports.hold("web", "tcp", "0.0.0.0", 8080);
        ports.hold("web", "tcp", "0.0.0.0", 8080);
        ports.hold("web", "tcp", "::", 8080);
        ports.hold("web", "udp", "127.0.0.1", 53);

        assertThatThrownBy(() -> onHost(() -> new ServerSocket(8080))).isInstanceOf(BindException.class);
        assertThatThrownBy(() -> onHost(() -> new DatagramSocket(53))).isInstanceOf(BindException.class);

        ports.release("web");
        ports.release("web");
        onHost(() -> new ServerSocket(8080)).close();
    }

    @Test
    void portsBeyondWhatFilesAreThereForAreLookedAtAndNotHeld() throws Exception {
        LinuxHostPorts few = new LinuxHostPorts(world.home, 1);
        few.hold("web", "tcp", "0.0.0.0", 8080);
        few.hold("db", "tcp", "0.0.0.0", 8081);

        assertThatThrownBy(() -> onHost(() -> new ServerSocket(8080))).isInstanceOf(BindException.class);
        try (ServerSocket ignored = onHost(() -> new ServerSocket(8081))) {
            assertThatThrownBy(() -> few.hold("web", "tcp", "0.0.0.0", 8081)).hasMessageContaining("already allocated");
            few.release("db");
            assertThatThrownBy(() -> few.hold("web", "tcp", "0.0.0.0", 8081)).hasMessageContaining("already allocated");
        }
        few.release("web");
        few.hold("web", "tcp", "0.0.0.0", 8082);
        assertThatThrownBy(() -> onHost(() -> new ServerSocket(8082))).isInstanceOf(BindException.class);
        few.close();
    }

    @Test
    void aPortIsOfOneProtocolWhetherTheKernelSpeaksItOrNot() throws Exception {
        ports.hold("web", "sctp", "0.0.0.0", 8080);
        ports.hold("db", "tcp", "0.0.0.0", 8080);

        assertThatThrownBy(() -> ports.hold("db", "sctp", "0.0.0.0", 8080))
                .isInstanceOf(DriverException.class)
                .hasMessageContaining("port is already allocated");
    }

    @Test
    void aPortThatWasLetGoCanBeHeldAgainAtOnceWhateverProgramsAreStartedMeanwhile() throws Exception {
        AtomicBoolean over = new AtomicBoolean();
        Thread starter = new Thread(() -> {
            while (!over.get()) {
                try {
                    new ProcessBuilder("true").start().waitFor();
                } catch (IOException | InterruptedException e) {
                    over.set(true);
                }
            }
        });
        starter.start();
        try {
            for (int i = 0; i < 20_000 && !over.get(); i++) {
                ports.hold("web", "tcp", "0.0.0.0", 8080);
                ports.release("web");
            }
            assertThat(over).isFalse();
        } finally {
            over.set(true);
            starter.join();
        }
    }

    @Test
    void aPortThatAnotherProgramListensOnIsTaken() throws Exception {
        try (ServerSocket ignored = onHost(() -> new ServerSocket(8080))) {
            assertThatThrownBy(() -> ports.hold("web", "tcp", "0.0.0.0", 8080))
                    .hasMessage("Bind for 0.0.0.0:8080 failed: port is already allocated")
                    .satisfies(e ->
                            assertThat(((DriverException) e).failure().kind()).isEqualTo(Failure.Kind.EXISTS));
        }
        ports.hold("web", "tcp", "0.0.0.0", 8080);
        assertThatThrownBy(() -> ports.hold("db", "tcp", "0.0.0.0", 8080)).hasMessageContaining("already allocated");
    }

    @Test
    void aPortThatTheKernelGaveToAClientIsNoReasonToRefuse() throws Exception {
        onHost(() -> {
            try (ServerSocket server = new ServerSocket(8080);
                    Socket client = new Socket("127.0.0.1", 8080);
                    Socket ignored = server.accept()) {
                assertThatThrownBy(() -> new ServerSocket(client.getLocalPort()))
                        .isInstanceOf(BindException.class);
                ports.hold("web", "tcp", "0.0.0.0", client.getLocalPort());
                assertThatThrownBy(() -> ports.hold("web", "tcp", "0.0.0.0", 8080))
                        .hasMessageContaining("already allocated");
            }
            return null;
        });
    }

    @Test
    void connectionsOfAProgramThatWasHereBeforeAreNoReasonToRefuse() throws Exception {
        onHost(() -> {
            try (ServerSocket server = new ServerSocket(8080);
                    Socket client = new Socket("127.0.0.1", 8080)) {
                // Who closes first keeps the connection for a minute.
                server.accept().close();
                assertThat(client.getInputStream().read()).isEqualTo(-1);
            }
            return 0;
        });

        ports.hold("web", "tcp", "0.0.0.0", 8080);
    }

    @Test
    void aHeldPortRefusesAtOnce() throws Exception {
        ports.hold("web", "tcp", "0.0.0.0", 8080);

        assertThatThrownBy(() -> onHost(() -> {
                    Socket socket = new Socket();
                    socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), 8080), 5000);
                    return socket;
                }))
                .isInstanceOf(ConnectException.class);
    }

    @Test
    void anAddressThatTheHostHasNotIsMissing() {
        assertThatThrownBy(() -> ports.hold("web", "tcp", "192.0.2.1", 8080))
                .satisfies(
                        e -> assertThat(((DriverException) e).failure().kind()).isEqualTo(Failure.Kind.MISSING));
    }

    @Test
    void whatIsCarriedComesWholeInBothDirectionsAndAnEndOfOneEndsNotTheOther() throws Exception {
        byte[] much = new byte[5_000_000];
        new Random(1).nextBytes(much);
        try (ServerSocket server = onHost(() -> new ServerSocket(80, 50, LOOPBACK))) {
            // Says all back once it has all, and reads it slowly.
            Thread echo = new Thread(() -> {
                try (Socket client = server.accept()) {
                    byte[] said = client.getInputStream().readAllBytes();
                    client.getOutputStream().write(said);
                } catch (IOException e) {
                    // The client's assertion tells.
                }
            });
            echo.start();
            ports.carry("web", "tcp", "::", 8080, new InetSocketAddress(LOOPBACK, 80));

            byte[] back = onHost(() -> {
                try (Socket socket = new Socket("::1", 8080)) {
                    socket.setSoTimeout(20_000);
                    socket.getOutputStream().write(much);
                    socket.shutdownOutput();
                    return socket.getInputStream().readAllBytes();
                }
            });

            assertThat(back).isEqualTo(much);
            echo.join();
        }
    }

    @Test
    void whatIsCarriedEndsWithThePortWhichIsFreeForTheNextAtOnce() throws Exception {
        try (ServerSocket server = onHost(() -> new ServerSocket(80, 50, LOOPBACK))) {
            InetSocketAddress target = new InetSocketAddress(LOOPBACK, 80);
            ports.carry("web", "tcp", "::", 8080, target);
            ports.carry("web", "tcp", "::", 8080, target);
            assertThatThrownBy(() -> ports.carry("db", "tcp", "::", 8080, target))
                    .hasMessage("Bind for [::]:8080 failed: port is already allocated");
            try (Socket client = onHost(() -> new Socket("::1", 8080));
                    Socket served = server.accept()) {
                client.setSoTimeout(20_000);
                served.getOutputStream().write('a');
                assertThat(client.getInputStream().read()).isEqualTo('a');

                ports.release("web");

                assertThatThrownBy(() -> client.getInputStream().read()).isInstanceOf(SocketException.class);
            }
            assertThatThrownBy(() -> onHost(() -> new Socket("::1", 8080))).isInstanceOf(ConnectException.class);
            ports.carry("db", "tcp", "::", 8080, target);
            try (Socket client = onHost(() -> new Socket("::1", 8080));
                    Socket served = server.accept()) {
                served.close();
                client.setSoTimeout(20_000);
                assertThat(client.getInputStream().read()).isEqualTo(-1);
            }
        }
    }

    @Test
    void aClientIsResetWhereNobodyListens() throws Exception {
        ports.carry("web", "tcp", "::", 8080, new InetSocketAddress(LOOPBACK, 80));

        assertThatThrownBy(() -> onHost(() -> {
                    try (Socket socket = new Socket("::1", 8080)) {
                        socket.setSoTimeout(20_000);
                        return socket.getInputStream().read();
                    }
                }))
                .isInstanceOf(SocketException.class);
    }

    @Test
    void datagramsAreCarriedAndEachSenderHearsItsOwnAnswers() throws Exception {
        try (DatagramSocket server = onHost(() -> new DatagramSocket(53, LOOPBACK))) {
            server.setSoTimeout(20_000);
            ports.carry("dns", "udp", "::", 5353, new InetSocketAddress(LOOPBACK, 53));
            try (DatagramSocket one = onHost(DatagramSocket::new);
                    DatagramSocket two = onHost(DatagramSocket::new)) {
                InetAddress there = InetAddress.getByName("::1");
                one.send(new DatagramPacket(new byte[] {'1'}, 1, there, 5353));
                two.send(new DatagramPacket(new byte[] {'2'}, 1, there, 5353));
                for (int i = 0; i < 2; i++) {
                    DatagramPacket asked = new DatagramPacket(new byte[9], 9);
                    server.receive(asked);
                    server.send(asked);
                }
                for (DatagramSocket each : List.of(one, two)) {
                    each.setSoTimeout(20_000);
                    DatagramPacket answer = new DatagramPacket(new byte[9], 9);
                    each.receive(answer);
                    assertThat(answer.getData()[0]).isEqualTo((byte) (each == one ? '1' : '2'));
                }
                ports.release("dns");
                onHost(() -> new DatagramSocket(5353)).close();
            }
        }
    }

    private <T> T onHost(Callable<T> work) throws Exception {
        return world.namespaces.inNetwork(world.host.path(), work);
    }
}
