package dev.wharf.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.spi.DriverException;
import dev.wharf.spi.runtime.LogCursor.LogLine;
import dev.wharf.testkit.runtime.RuntimeSpecs;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 120, unit = TimeUnit.SECONDS)
class ForwarderTest {
    private static final String TIME = "2026-03-01T12:00:00.250000000+00:00";

    @TempDir
    Path directory;

    private Path log;
    private LogParts parts;

    @BeforeEach
    void place() {
        log = directory.resolve("log");
        parts = new LogParts(log);
    }

    private void write(String... lines) throws IOException {
        for (String line : lines) {
            Files.writeString(
                    log, TIME + " stdout F " + line + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        }
    }

    /** Takes so many lines and then none, as a server does that went away. */
    private static final class Basket implements LogTarget {
        private final List<String> taken;
        private final AtomicInteger room;

        Basket(List<String> taken, int room) {
            this.taken = taken;
            this.room = new AtomicInteger(room);
        }

        @Override
        public void check() {}

        @Override
        public void send(LogLine line) throws IOException {
            if (room.getAndDecrement() <= 0) {
                throw new IOException("full");
            }
            taken.add(StandardCharsets.UTF_8
                    .decode(line.bytes().duplicate())
                    .toString()
                    .strip());
        }

        @Override
        public void close() {}
    }

    @Test
    void aNextAgentSendsWhatIsLeftAndNothingTwice() throws Exception {
        write("a", "b", "c", "d");
        List<String> taken = new CopyOnWriteArrayList<>();
        try (Forwarder first = new Forwarder(parts, new Basket(taken, 2), true)) {
            assertThat(first.drain(Duration.ofMillis(300))).isFalse();
        }
        assertThat(taken).containsExactly("a", "b");

        parts.turn();
        write("e");
        try (Forwarder second = new Forwarder(new LogParts(log), new Basket(taken, 100), true)) {
            assertThat(second.drain(Duration.ofSeconds(40))).isTrue();
        }
        try (Forwarder third = new Forwarder(new LogParts(log), new Basket(taken, 100), true)) {
            assertThat(third.drain(Duration.ofSeconds(40))).isTrue();
        }

        assertThat(taken).containsExactly("a", "b", "c", "d", "e");
    }

    private static LogSettings settings(String driver, Map<String, String> options) throws DriverException {
        return LogSettings.of(RuntimeSpecs.of(Path.of("/tmp"), "/bin/true")
                .log(driver, options)
                .build());
    }

    private void sendAll(LogSettings settings) throws Exception {
        try (Forwarder forwarder = new Forwarder(parts, new SyslogTarget(Host.DESCRIPTORS, settings), true)) {
            assertThat(forwarder.drain(Duration.ofSeconds(40))).isTrue();
        }
    }

    @Test
    void syslogIsSpokenOverUdpInEveryFormat() throws Exception {
        String pid = Long.toString(ProcessHandle.current().pid());
        Map<String, String> expected = Map.of(
                "", "<158>Mar  1 \\S+ tag\\[" + pid + "\\]: text\n",
                "rfc3164", "<158>Mar  1 \\S+ \\S+ tag\\[" + pid + "\\]: text\n",
                "rfc5424", "<158>1 2026-03-01T\\S+ \\S+ tag " + pid + " tag - text\n",
                "rfc5424micro", "<158>1 2026-03-01T\\d\\d:00:00.250000\\S+ \\S+ tag " + pid + " tag - text\n");
        write("text");
        try (DatagramSocket server = new DatagramSocket(0, InetAddress.getLoopbackAddress())) {
            server.setSoTimeout(10_000);
            for (Map.Entry<String, String> one : expected.entrySet()) {
                Files.deleteIfExists(directory.resolve("log.sent-to-here"));
                sendAll(settings(
                        "syslog",
                        Map.of(
                                "syslog-address",
                                "udp://127.0.0.1:" + server.getLocalPort(),
                                "syslog-facility",
                                "local3",
                                "syslog-format",
                                one.getKey(),
                                "tag",
                                "tag")));
                DatagramPacket packet = new DatagramPacket(new byte[2000], 2000);
                server.receive(packet);
                assertThat(new String(packet.getData(), 0, packet.getLength(), StandardCharsets.UTF_8))
                        .matches(one.getValue());
            }
        }
    }

    @Test
    void aServerThatComesBackGetsEveryLine() throws Exception {
        try (ServerSocket server = new ServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
            LogSettings settings =
                    settings("syslog", Map.of("syslog-address", "tcp://127.0.0.1:" + server.getLocalPort()));
            write("one");
            try (Forwarder forwarder = new Forwarder(parts, new SyslogTarget(Host.DESCRIPTORS, settings), true)) {
                try (Socket first = server.accept()) {
                    assertThat(line(first)).endsWith(": one");
                }
                write("two", "three");
                forwarder.cursor().changed();
                try (Socket second = server.accept()) {
                    assertThat(line(second)).endsWith(": two");
                }
                assertThat(forwarder.drain(Duration.ofSeconds(40))).isTrue();
            }
        }
    }

    private static String line(Socket socket) throws IOException {
        return new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8)).readLine();
    }

    @Test
    void whatCannotBeReachedOrIsUnknownIsRefused() throws Exception {
        SyslogTarget nobody = new SyslogTarget(
                Host.DESCRIPTORS, settings("syslog", Map.of("syslog-address", "unixgram:///no/such/socket")));
        assertThatThrownBy(nobody::check)
                .hasMessage("dial unixgram /no/such/socket: connect: no such file or directory");
        for (Map<String, String> wrong : List.of(
                Map.of("syslog-address", "http://example"),
                Map.of("syslog-address", "udp:"),
                Map.of("syslog-facility", "local8"))) {
            assertThatThrownBy(() -> new SyslogTarget(Host.DESCRIPTORS, settings("syslog", wrong)))
                    .as(wrong.toString())
                    .isInstanceOf(DriverException.class);
        }
        assertThatThrownBy(() -> settings("syslog", Map.of("tag", "{{.Nonsense}}")))
                .hasMessageContaining("unknown field Nonsense");
    }

    @Test
    void sizesAndCountsAreAsDockerReadsThem() throws Exception {
        assertThat(LogSettings.bytes("10k")).isEqualTo(10 << 10);
        assertThat(LogSettings.bytes("1.5m")).isEqualTo(3 << 19);
        assertThat(LogSettings.bytes("2GB")).isEqualTo(2L << 30);
        assertThat(LogSettings.bytes("-1")).isZero();
        assertThatThrownBy(() -> LogSettings.bytes("ten")).isInstanceOf(DriverException.class);
        assertThat(settings("json-file", Map.of("max-size", "10k")).fullBytes()).isEqualTo(10 << 10);
        assertThat(settings("json-file", Map.of("max-size", "10k", "max-file", "3"))
                        .fullBytes())
                .isEqualTo(20 << 10);
        assertThat(settings("local", Map.of()).fullBytes()).isEqualTo(80L << 20);
        LogSettings kept = settings("syslog", Map.of("tag", "{{.Name}}", "labels", "none"));
        kept.write(directory);
        assertThat(LogSettings.read(directory)).contains(kept);
    }
}
