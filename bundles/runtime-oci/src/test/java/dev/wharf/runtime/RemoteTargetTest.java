package dev.wharf.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.wharf.spi.tls.ClientTls;
import dev.wharf.testkit.runtime.RuntimeSpecs;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPInputStream;
import java.util.zip.InflaterInputStream;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What fluentd and Graylog get, against servers that read it as they do. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class RemoteTargetTest {
    private static final long SECOND = 1_772_366_400;
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    Path directory;

    private void write(String stream, String text) throws IOException {
        Files.writeString(
                directory.resolve("log"),
                "2026-03-01T12:00:00.250000000+00:00 " + stream + " F " + text + "\n",
                StandardOpenOption.CREATE,
                StandardOpenOption.APPEND);
    }

    private static LogSettings settings(String driver, Map<String, String> options) throws Exception {
        return LogSettings.of(RuntimeSpecs.of(Path.of("/tmp"), "/bin/echo", "a & b")
                .log(driver, options)
                .build());
    }

    private Forwarder forwarder(LogSettings settings) throws Exception {
        return new Forwarder(new LogParts(directory.resolve("log")), LogTarget.of(Host.DESCRIPTORS, settings), true);
    }

    /** Reads one value of MessagePack, of the kinds that fluentd's protocol has. */
    private static Object value(DataInputStream in) throws IOException {
        int kind = in.readUnsignedByte();
        if (kind >> 4 == 9) {
            List<Object> array = new ArrayList<>();
            for (int i = 0; i < (kind & 15); i++) {
                array.add(value(in));
            }
            return array;
        }
        if (kind >> 4 == 8 || kind == 0xde) {
            int size = kind == 0xde ? in.readUnsignedShort() : kind & 15;
            Map<Object, Object> map = new TreeMap<>();
            for (int i = 0; i < size; i++) {
                map.put(value(in), value(in));
            }
            return map;
        }
        if (kind == 0xd3) {
            return in.readLong();
        }
        if (kind == 0xd7) {
            assertThat(in.readByte()).isZero();
            return in.readUnsignedShort() * 65536L + in.readUnsignedShort() + "." + in.readInt();
        }
        int length = switch (kind) {
            case 0xd9 -> in.readUnsignedByte();
            case 0xda -> in.readUnsignedShort();
            case 0xdb -> in.readInt();
            default -> {
                assertThat(kind >> 5).isEqualTo(5);
                yield kind & 31;
            }
        };
        return new String(in.readNBytes(length), StandardCharsets.UTF_8);
    }

    @SuppressWarnings("unchecked")
    private static Map<String, String> event(Object message) {
        return (Map<String, String>) ((List<?>) message).get(2);
    }

    @Test
    void fluentdGetsAnEventForEachLineAndSomeForALongOne() throws Exception {
        write("stdout", "one");
        write("stderr", "");
        write("stdout", "x".repeat(16_384) + "tail");
        LogSettings settings;
        List<Object> messages = new ArrayList<>();
        try (ServerSocket server = new ServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
            settings = settings("fluentd", Map.of("fluentd-address", "localhost:" + server.getLocalPort()));
            try (Forwarder forwarder = forwarder(settings);
                    Socket socket = server.accept()) {
                DataInputStream in = new DataInputStream(socket.getInputStream());
                for (int i = 0; i < 4; i++) {
                    messages.add(value(in));
                }
                assertThat(forwarder.drain(Duration.ofSeconds(40))).isTrue();
            }
        }

        String id = settings.fields().get("container_id");
        Map<String, String> event = new LinkedHashMap<>(
                Map.of("container_id", id, "container_name", "/box", "source", "stdout", "log", "one"));
        assertThat(messages.get(0)).isEqualTo(List.of(id.substring(0, 12), SECOND, event, Map.of()));
        event.putAll(Map.of("source", "stderr", "log", ""));
        assertThat(event(messages.get(1))).isEqualTo(event);
        Map<String, String> first = event(messages.get(2));
        Map<String, String> last = event(messages.get(3));
        assertThat(first)
                .containsEntry("log", "x".repeat(16_384))
                .containsEntry("partial_message", "true")
                .containsEntry("partial_ordinal", "1")
                .containsEntry("partial_last", "false");
        assertThat(last)
                .containsEntry("log", "tail")
                .containsEntry("partial_id", first.get("partial_id"))
                .containsEntry("partial_ordinal", "2")
                .containsEntry("partial_last", "true");
    }

    @Test
    void whatFluentdDoesNotAcknowledgeIsSentAgain() throws Exception {
        Path path = directory.resolve("fluentd");
        write("stdout", "one");
        write("stdout", "two");
        List<Object> logs = new ArrayList<>();
        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(path));
            LogSettings settings = settings(
                    "fluentd",
                    Map.of(
                            "fluentd-address", "unix://" + path,
                            "fluentd-request-ack", "true",
                            "fluentd-sub-second-precision", "true",
                            "fluentd-retry-wait", "10ms"));
            try (Forwarder forwarder = forwarder(settings)) {
                try (SocketChannel socket = server.accept()) {
                    logs.add(value(new DataInputStream(Channels.newInputStream(socket))));
                }
                try (SocketChannel socket = server.accept()) {
                    DataInputStream in = new DataInputStream(Channels.newInputStream(socket));
                    for (int i = 0; i < 2; i++) {
                        List<?> message = (List<?>) value(in);
                        logs.add(message);
                        Object chunk = ((Map<?, ?>) message.get(3)).get("chunk");
                        OutputStream out = Channels.newOutputStream(socket);
                        out.write(new MessagePack()
                                .map(1)
                                .text("ack")
                                .text(chunk.toString())
                                .bytes());
                    }
                    assertThat(forwarder.drain(Duration.ofSeconds(40))).isTrue();
                }
            }
        }

        assertThat(logs).extracting(log -> event(log).get("log")).containsExactly("one", "one", "two");
        assertThat(((List<?>) logs.get(0)).get(1)).isEqualTo(SECOND + ".250000000");
    }

    private static byte[] datagram(DatagramSocket server) throws IOException {
        DatagramPacket packet = new DatagramPacket(new byte[2000], 2000);
        server.receive(packet);
        return Arrays.copyOf(packet.getData(), packet.getLength());
    }

    /** A message of one datagram, or of chunks. */
    private static byte[] whole(DatagramSocket server) throws IOException {
        byte[] first = datagram(server);
        if (first[0] != 0x1e || first[1] != 0x0f) {
            return first;
        }
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        byte[] next = first;
        for (int i = 0; i < first[11]; i++) {
            assertThat(next.length).isLessThanOrEqualTo(1420);
            assertThat(Arrays.copyOf(next, 10)).isEqualTo(Arrays.copyOf(first, 10));
            assertThat(next[10]).isEqualTo((byte) i);
            all.write(next, 12, next.length - 12);
            next = i + 1 < first[11] ? datagram(server) : next;
        }
        return all.toByteArray();
    }

    @Test
    void graylogGetsMessagesOverUdpPackedAsWished() throws Exception {
        write("stderr", "bad");
        write("stdout", "");
        write("stdout", "x".repeat(5000));
        try (DatagramSocket server = new DatagramSocket(0, InetAddress.getLoopbackAddress())) {
            server.setSoTimeout(10_000);
            for (String packing : List.of("gzip", "zlib", "none")) {
                Files.deleteIfExists(directory.resolve("log.sent-to-here"));
                LogSettings settings = settings(
                        "gelf",
                        Map.of(
                                "gelf-address",
                                "udp://127.0.0.1:" + server.getLocalPort(),
                                "gelf-compression-type",
                                packing,
                                "tag",
                                "{{.Name}}"));
                try (Forwarder forwarder = forwarder(settings)) {
                    assertThat(forwarder.drain(Duration.ofSeconds(40))).isTrue();
                }
                JsonNode message = JSON.readTree(unpacked(packing, whole(server)));
                Map<String, Object> expected = new LinkedHashMap<>(settings.fields());
                expected.putAll(Map.of(
                        "version",
                        "1.1",
                        "host",
                        LogSettings.hostname(),
                        "short_message",
                        "bad",
                        "timestamp",
                        SECOND + 0.25,
                        "level",
                        3));
                assertThat(JSON.convertValue(message, Map.class)).isEqualTo(expected);
                assertThat(settings.fields())
                        .containsEntry("_command", "/bin/echo a & b")
                        .containsEntry("_container_name", "box")
                        .containsEntry("_tag", "box")
                        .containsEntry("_created", "1970-01-01T00:00:00Z");
                assertThat(JSON.readTree(unpacked(packing, whole(server)))
                                .path("short_message")
                                .asText())
                        .isEqualTo("x".repeat(5000));
            }
        }
    }

    private static InputStream unpacked(String packing, byte[] bytes) throws IOException {
        InputStream in = new ByteArrayInputStream(bytes);
        return switch (packing) {
            case "gzip" -> new GZIPInputStream(in);
            case "zlib" -> new InflaterInputStream(in);
            default -> in;
        };
    }

    @Test
    void aLineThatWasTriedAsOftenAsWishedIsLeftOut() throws Exception {
        int port;
        try (ServerSocket server = new ServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
            port = server.getLocalPort();
        }
        write("stdout", "lost");
        LogSettings settings = settings(
                "gelf",
                Map.of(
                        "gelf-address", "tcp://127.0.0.1:" + port,
                        "gelf-tcp-max-reconnect", "2",
                        "gelf-tcp-reconnect-delay", "0"));
        try (Forwarder forwarder = forwarder(settings)) {
            assertThat(forwarder.drain(Duration.ofSeconds(40))).isTrue();
        }
        write("stdout", "kept");
        try (ServerSocket server = new ServerSocket(port, 10, InetAddress.getLoopbackAddress());
                Forwarder forwarder = forwarder(settings);
                Socket socket = server.accept()) {
            assertThat(forwarder.drain(Duration.ofSeconds(40))).isTrue();
            forwarder.close();
            byte[] message = socket.getInputStream().readAllBytes();
            assertThat(message[message.length - 1]).isZero();
            assertThat(JSON.readTree(Arrays.copyOf(message, message.length - 1))
                            .path("short_message")
                            .asText())
                    .isEqualTo("kept");
        }
    }

    @Test
    void whoCannotBeReachedIsToldInDockersWords() throws Exception {
        int port;
        try (ServerSocket server = new ServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
            port = server.getLocalPort();
        }
        String dial = "dial tcp 127.0.0.1:" + port + ": connect: connection refused";
        assertThatThrownBy(() -> check("fluentd", Map.of("fluentd-address", "127.0.0.1:" + port)))
                .hasMessage(dial);
        assertThatThrownBy(() -> check("fluentd", Map.of("fluentd-address", "unix:///no/such")))
                .hasMessage("dial unix /no/such: connect: no such file or directory");
        assertThatThrownBy(() -> check("gelf", Map.of("gelf-address", "tcp://127.0.0.1:" + port)))
                .hasMessage("gelf: cannot connect to GELF endpoint: 127.0.0.1:" + port + " " + dial);
        assertThatThrownBy(() -> check("syslog", Map.of("syslog-address", "tcp://127.0.0.1:" + port)))
                .hasMessage(dial);
        assertThatCode(() -> check("gelf", Map.of("gelf-address", "udp://127.0.0.1:" + port)))
                .doesNotThrowAnyException();
        assertThatCode(() -> check("fluentd", Map.of("fluentd-address", "127.0.0.1:" + port, "fluentd-async", "true")))
                .doesNotThrowAnyException();
    }

    private static void check(String driver, Map<String, String> options) throws Exception {
        try (LogTarget target = LogTarget.of(Host.DESCRIPTORS, settings(driver, options))) {
            target.check();
        }
    }

    @Test
    void fluentdIsTriedMoreAndMoreSeldom() throws Exception {
        try (LogTarget target = LogTarget.of(
                Host.DESCRIPTORS,
                settings("fluentd", Map.of("fluentd-retry-wait", "2s", "fluentd-max-retries", "12")))) {
            assertThat(target.pause(1)).contains(Duration.ofSeconds(2));
            assertThat(target.pause(2)).contains(Duration.ofSeconds(3));
            assertThat(target.pause(11)).contains(Duration.ofMinutes(1));
            assertThat(target.pause(12)).isEmpty();
        }
    }

    /** A certificate that is its own authority, with its key in the older form. */
    private ClientTls.Identity identity(String name) throws Exception {
        Path key = directory.resolve(name + ".key");
        Path certificate = directory.resolve(name + ".crt");
        openssl("ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", key.toString());
        openssl(("req -x509 -key " + key + " -out " + certificate + " -days 2 -subj /CN=" + name
                        + " -addext subjectAltName=DNS:" + name)
                .split(" "));
        return new ClientTls.Identity(certificate, key);
    }

    private static void openssl(String... words) throws Exception {
        List<String> command = new ArrayList<>(List.of("openssl"));
        command.addAll(List.of(words));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(said).isZero();
    }

    private static String message(InputStream in) throws IOException {
        StringBuilder length = new StringBuilder();
        for (int c = in.read(); c != ' '; c = in.read()) {
            assertThat(c).isBetween((int) '0', (int) '9');
            length.append((char) c);
        }
        return new String(in.readNBytes(Integer.parseInt(length.toString())), StandardCharsets.UTF_8);
    }

    @Test
    void syslogIsSpokenOverTls() throws Exception {
        ClientTls.Identity server = identity("localhost");
        ClientTls.Identity client = identity("client");
        SSLContext context = new ClientTls(List.of(client.certificate()), List.of(server), false).context();
        write("stdout", "one");
        write("stderr", "x".repeat(70_000));
        write("stdout", "three");
        try (SSLServerSocket door = (SSLServerSocket)
                context.getServerSocketFactory().createServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
            door.setNeedClientAuth(true);
            LogSettings settings = settings(
                    "syslog",
                    Map.of(
                            "syslog-address",
                            "tcp+tls://localhost:" + door.getLocalPort(),
                            "syslog-format",
                            "rfc5424",
                            "syslog-tls-ca-cert",
                            server.certificate().toString(),
                            "syslog-tls-cert",
                            client.certificate().toString(),
                            "syslog-tls-key",
                            client.key().toString()));
            try (Forwarder forwarder = forwarder(settings)) {
                try (Socket socket = door.accept()) {
                    InputStream in = socket.getInputStream();
                    assertThat(message(in)).startsWith("<30>1 ").endsWith(" - one\n");
                    assertThat(message(in)).startsWith("<27>1 ").hasSizeGreaterThan(60_000);
                    assertThat(message(in)).startsWith("<27>1 ");
                    assertThat(message(in)).endsWith(" - three\n");
                }
                assertThat(forwarder.drain(Duration.ofSeconds(40))).isTrue();
            }
        }
    }

    @Test
    void aConnectionOverTlsThatTheServerClosedTakesNoMessage() throws Exception {
        ClientTls.Identity server = identity("localhost");
        SSLContext context = new ClientTls(List.of(), List.of(server), false).context();
        try (ServerSocket door =
                context.getServerSocketFactory().createServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
            CompletableFuture<String> came = CompletableFuture.supplyAsync(() -> {
                try (Socket socket = door.accept()) {
                    return new String(socket.getInputStream().readNBytes(3), StandardCharsets.UTF_8);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
            Line line = Line.tls(
                    "localhost", door.getLocalPort(), new ClientTls(List.of(server.certificate()), List.of(), false));
            line.write("one".getBytes(StandardCharsets.UTF_8), Line.PATIENCE);
            assertThat(came.get(20, TimeUnit.SECONDS)).isEqualTo("one");
            assertThatThrownBy(() -> line.write("two".getBytes(StandardCharsets.UTF_8), Line.PATIENCE))
                    .hasMessage("the server closed the connection");
            line.close();
        }
    }

    @Test
    void whomTheHostDoesNotTrustGetsNoLogUnlessAnybodyWillDo() throws Exception {
        SSLContext context = new ClientTls(List.of(), List.of(identity("elsewhere")), false).context();
        write("stdout", "one");
        try (ServerSocket door =
                context.getServerSocketFactory().createServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
            String address = "tcp+tls://localhost:" + door.getLocalPort();
            Thread greeter = new Thread(() -> {
                try (Socket socket = door.accept()) {
                    assertThat(socket.getInputStream().read()).isEqualTo(-1);
                } catch (IOException e) {
                    // The client says why it goes.
                }
            });
            greeter.start();
            try (LogTarget target =
                    LogTarget.of(Host.DESCRIPTORS, settings("syslog", Map.of("syslog-address", address)))) {
                assertThatThrownBy(target::check).hasMessageContaining("certificate signed by unknown authority");
            }
            greeter.join();
            Map<String, String> any = Map.of("syslog-address", address, "syslog-tls-skip-verify", "");
            try (Forwarder forwarder = forwarder(settings("syslog", any));
                    Socket socket = door.accept()) {
                assertThat(new String(socket.getInputStream().readNBytes(4), StandardCharsets.UTF_8))
                        .isEqualTo("<30>");
                assertThat(forwarder.drain(Duration.ofSeconds(40))).isTrue();
            }
        }
    }
}
