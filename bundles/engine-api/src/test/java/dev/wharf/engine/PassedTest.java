package dev.wharf.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.engine.http.Endpoint;
import io.netty.handler.ssl.SslContext;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PassedTest {
    @TempDir
    private Path proc;

    @BeforeEach
    void aProcessWithDescriptors() throws IOException {
        Path self = Files.createDirectories(proc.resolve("4711"));
        Files.createSymbolicLink(proc.resolve("self"), Path.of("4711"));
        Path open = Files.createDirectories(self.resolve("fd"));
        Files.createSymbolicLink(open.resolve("3"), Path.of("socket:[100]"));
        Files.createSymbolicLink(open.resolve("4"), Path.of("socket:[200]"));
        Files.createSymbolicLink(open.resolve("5"), Path.of("null"));
        Files.writeString(Files.createDirectories(proc.resolve("net")).resolve("unix"), """
                Num       RefCount Protocol Flags    Type St Inode Path
                0000000000000000: 00000002 00000000 00010000 0001 01   100 /run/wharf/a socket
                0000000000000000: 00000003 00000000 00000000 0001 03   200 /run/wharf/connected
                0000000000000000: 00000003 00000000 00000000 0001 03   300
                """);
        Files.createSymbolicLink(open.resolve("6"), Path.of("socket:[600]"));
        Files.createSymbolicLink(open.resolve("7"), Path.of("socket:[700]"));
        String one = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN ? "0100007F" : "7F000001";
        String last = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN ? "01000000" : "00000001";
        Files.writeString(
                proc.resolve("net/tcp"),
                "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
                        + "   0: " + one
                        + ":0947 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 600 1\n"
                        + "   1: " + one + ":0948 " + one
                        + ":0949 01 00000000:00000000 00:00000000 00000000     0        0 200 1\n");
        Files.writeString(
                proc.resolve("net/tcp6"),
                "   0: 000000000000000000000000" + last + ":0948 " + "0".repeat(32)
                        + ":0000 0A 00000000:00000000 00:00000000 00000000     0        0 700 1\n");
    }

    private Passed passedFrom(int descriptor) throws IOException {
        Path open = proc.resolve("4711/fd");
        Files.delete(open.resolve("3"));
        Files.move(open.resolve(Integer.toString(descriptor)), open.resolve("3"));
        return passed("4711", "1");
    }

    private static Optional<SslContext> nobody(String address) {
        throw new AssertionError("asked about " + address);
    }

    @Test
    void aPortIsTakenWithItsAddress() throws IOException {
        assertThat(passedFrom(6).sockets(address -> Optional.empty()))
                .containsExactly(new Endpoint.PassedTcp(3, new InetSocketAddress("127.0.0.1", 2375), Optional.empty()));
    }

    @Test
    void soIsOneOfTheNewerProtocol() throws IOException {
        assertThat(passedFrom(7).sockets(address -> Optional.empty()))
                .containsExactly(new Endpoint.PassedTcp(3, new InetSocketAddress("::1", 2376), Optional.empty()));
    }

    /** The rule is that of {@code --host tcp://}. */
    @Test
    void aPortThatDoesNotKnowItsClientsIsNotTakenUnlessForced() throws IOException {
        Passed port = passedFrom(6);
        Map<String, String> said = new HashMap<>(Map.of("wharf.hosts", "fd://"));
        Endpoints endpoints = new Endpoints(name -> said.getOrDefault(name, ""), port);

        assertThatThrownBy(endpoints::read)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("will not listen on tcp://127.0.0.1:2375")
                .hasMessageContaining("--insecure-tcp");
        said.put("wharf.tcp.insecure", "true");
        assertThat(endpoints.read()).hasSize(1);
    }

    private Passed passed(String pid, String count) {
        return new Passed(Map.of("LISTEN_PID", pid, "LISTEN_FDS", count), proc);
    }

    @Test
    void aListeningSocketIsTakenWithItsPath() throws IOException {
        assertThat(passed("4711", "1").sockets(PassedTest::nobody))
                .containsExactly(new Endpoint.Passed(3, "/run/wharf/a socket"));
    }

    @Test
    void whatIsMeantForAnotherProcessIsNotTaken() {
        assertThatThrownBy(() -> passed("1", "1").sockets(PassedTest::nobody))
                .hasMessageContaining("no sockets were passed");
        assertThatThrownBy(() -> new Passed(Map.of(), proc).sockets(PassedTest::nobody))
                .hasMessageContaining("no sockets were passed");
    }

    @Test
    void whatDoesNotListenIsNamed() {
        assertThatThrownBy(() -> passed("4711", "2").sockets(PassedTest::nobody))
                .hasMessageContaining("descriptor 4 is no unix socket and no TCP port that listens");
        assertThatThrownBy(() -> passed("4711", "3").sockets(PassedTest::nobody))
                .hasMessageContaining("descriptor 4");
    }
}
