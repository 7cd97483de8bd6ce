package dev.wharf.dns;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.core.event.ContainerEvent;
import dev.wharf.dns.Town.At;
import dev.wharf.linux.file.LinuxFileCalls;
import dev.wharf.linux.kernel.LinuxKernel;
import dev.wharf.linux.net.HomeNetwork;
import dev.wharf.linux.net.LinuxDiversions;
import dev.wharf.linux.process.LinuxNamespaces;
import dev.wharf.model.Exit;
import dev.wharf.spi.kernel.Sandbox;
import dev.wharf.spi.kernel.SandboxKey;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.xbill.DNS.ARecord;
import org.xbill.DNS.DClass;
import org.xbill.DNS.Flags;
import org.xbill.DNS.Message;
import org.xbill.DNS.Name;
import org.xbill.DNS.Rcode;
import org.xbill.DNS.Record;
import org.xbill.DNS.Section;
import org.xbill.DNS.Type;

/** Questions asked inside a real sandbox, of the resolver whole, with a resolver outside that the test plays. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class AttendantTest {
    @TempDir
    private Path dir;

    private final LinuxNamespaces namespaces = new LinuxNamespaces();
    private final Town town = new Town().net("net", false, false, "10.1.0.0/24", "fd00:1::/64");
    private LinuxKernel kernel;
    private Sandbox sandbox;
    private Attendant attendant;
    private Outside outside;

    @BeforeEach
    void open() throws Exception {
        kernel = new LinuxKernel(dir.resolve("data"), dir.resolve("exec"), new LinuxFileCalls(), namespaces);
        sandbox = kernel.createSandbox(SandboxKey.of(Town.container("web")));
        outside = new Outside();
        town.with(List.of("127.0.0.1"), List.of())
                .run("web", sandbox.path(), new At("net", "10.1.0.2"))
                .run("db", new At("net", "10.1.0.3", "fd00:1::3", List.of(), List.of()));
        attendant = attend();
    }

    private Attendant attend() throws IOException {
        return new Attendant(
                town.agent(),
                namespaces,
                new LinuxDiversions(new HomeNetwork(namespaces, Optional.empty())),
                new Upstreams(dir.resolve("resolv.conf")),
                outside.port);
    }

    @AfterEach
    void close() throws Exception {
        attendant.close();
        outside.close();
        for (Sandbox one : kernel.sandboxes()) {
            kernel.removeSandbox(one.key());
        }
    }

    // ---- asking

    private static Message question(String name, int type) throws IOException {
        Message query = Message.newQuery(Record.newRecord(Name.fromString(name + "."), type, DClass.IN));
        query.getHeader().setFlag(Flags.RD);
        return query;
    }

    private Message ask(String name, int type) throws Exception {
        return new Message(exchange(question(name, type).toWire()));
    }

    /** Asked again while nobody answers, as every client does. */
    private byte[] exchange(byte[] question) throws Exception {
        return namespaces.inNetwork(sandbox.path(), () -> {
            for (int tries = 0; ; tries++) {
                try (DatagramSocket socket = new DatagramSocket()) {
                    socket.setSoTimeout(tries == 0 ? 500 : 4000);
                    socket.connect(new InetSocketAddress(InetAddress.getByName(Counter.ADDRESS), 53));
                    socket.send(new DatagramPacket(question, question.length));
                    DatagramPacket answer = new DatagramPacket(new byte[4096], 4096);
                    socket.receive(answer);
                    return java.util.Arrays.copyOf(answer.getData(), answer.getLength());
                } catch (IOException e) {
                    if (tries > 20) {
                        throw e;
                    }
                    Thread.sleep(50);
                }
            }
        });
    }

    /** Without asking again, as a process that asks with its first instruction where a refusal is the end of it. */
    @Test
    void whoWaitsForTheAttendantHasAnAnswerToTheFirstQuestion() throws Exception {
        for (int round = 0; round < 10; round++) {
            attendant.close();
            attendant = attend();

            attendant.await(Town.container("web"), Duration.ofSeconds(20));

            byte[] question = question("db", Type.A).toWire();
            Message answer = namespaces.inNetwork(sandbox.path(), () -> {
                try (DatagramSocket socket = new DatagramSocket()) {
                    socket.setSoTimeout(10_000);
                    socket.connect(new InetSocketAddress(InetAddress.getByName(Counter.ADDRESS), 53));
                    socket.send(new DatagramPacket(question, question.length));
                    DatagramPacket packet = new DatagramPacket(new byte[4096], 4096);
                    socket.receive(packet);
                    return new Message(java.util.Arrays.copyOf(packet.getData(), packet.getLength()));
                }
            });
            assertThat(answers(answer)).containsExactly("10.1.0.3");
        }
    }

    @Test
    void nobodyWaitsForNamesThatAreNotToBeServedOrCannotBe() throws Exception {
        long began = System.nanoTime();
        attendant.await(Town.container("no-such"), Duration.ofSeconds(60));
        town.run("lost", dir.resolve("no-sandbox"), new At("net", "10.1.0.9"));
        Files.writeString(dir.resolve("no-sandbox"), "no namespace");
        attendant.close();
        attendant = attend();

        attendant.await(Town.container("lost"), Duration.ofSeconds(60));

        assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(40));
    }

    private Message askByConnection(String name, int type) throws Exception {
        exchange(question("db", Type.A).toWire());
        return namespaces.inNetwork(sandbox.path(), () -> {
            try (Socket socket = new Socket(InetAddress.getByName(Counter.ADDRESS), 53)) {
                socket.setSoTimeout(5000);
                byte[] question = question(name, type).toWire();
                DataOutputStream out = new DataOutputStream(socket.getOutputStream());
                out.writeShort(question.length);
                out.write(question);
                DataInputStream in = new DataInputStream(socket.getInputStream());
                return new Message(in.readNBytes(in.readUnsignedShort()));
            }
        });
    }

    private static List<String> answers(Message message) {
        return message.getSection(Section.ANSWER).stream()
                .map(Record::rdataToString)
                .toList();
    }

    // ---- what is answered

    @Test
    void aNeighbourIsAnsweredByFamily() throws Exception {
        assertThat(answers(ask("db", Type.A))).containsExactly("10.1.0.3");
        assertThat(answers(ask("db", Type.AAAA))).containsExactly("fd00:1:0:0:0:0:0:3");
        assertThat(answers(askByConnection("db", Type.A))).containsExactly("10.1.0.3");
        assertThat(outside.asked.get()).isZero();
    }

    @Test
    void aKnownNameWithoutTheWantedRecordIsNoError() throws Exception {
        Message mail = ask("db", Type.MX);
        Message six = ask("web", Type.AAAA);

        assertThat(mail.getRcode()).isEqualTo(Rcode.NOERROR);
        assertThat(answers(mail)).isEmpty();
        assertThat(six.getRcode()).isEqualTo(Rcode.NOERROR);
        assertThat(answers(six)).isEmpty();
        assertThat(outside.asked.get()).isZero();
    }

    @Test
    void addressesHaveNames() throws Exception {
        assertThat(answers(ask("3.0.1.10.in-addr.arpa", Type.PTR))).containsExactly("db.net.");
        assertThat(ask("77.0.1.10.in-addr.arpa", Type.PTR).getRcode()).isEqualTo(Rcode.NXDOMAIN);
    }

    @Test
    void everybodyWithAnAliasComesFirstInTurn() throws Exception {
        town.run("a", new At("net", "10.1.0.11", "svc")).run("b", new At("net", "10.1.0.12", "svc"));

        Set<String> first = new HashSet<>();
        for (int i = 0; i < 60; i++) {
            List<String> all = answers(ask("svc", Type.A));
            assertThat(all).containsExactlyInAnyOrder("10.1.0.11", "10.1.0.12");
            first.add(all.get(0));
        }

        assertThat(first).containsExactlyInAnyOrder("10.1.0.11", "10.1.0.12");
    }

    @Test
    void whatIsNoNeighbourIsAskedOutside() throws Exception {
        assertThat(answers(ask("example.org", Type.A))).containsExactly("192.0.2.1");
        assertThat(answers(askByConnection("example.org", Type.A))).containsExactly("192.0.2.2");
        assertThat(ask("nx.example.org", Type.A).getRcode()).isEqualTo(Rcode.NXDOMAIN);
    }

    @Test
    void whereNobodyOutsideAnswersItIsAFailure() throws Exception {
        town.run("lost", sandbox.path(), new At("net", "10.1.0.5"));
        outside.close();

        assertThat(ask("example.org", Type.A).getRcode()).isEqualTo(Rcode.SERVFAIL);
        assertThat(answers(ask("db", Type.A))).containsExactly("10.1.0.3");
    }

    @Test
    void whoeverIsKeptInsideAsksNobodyOutside() throws Exception {
        Sandbox inner = kernel.createSandbox(SandboxKey.of(Town.container("inner")));
        town.net("closed", true, false, "10.5.0.0/24").run("inner", inner.path(), new At("closed", "10.5.0.2"));
        sandbox = inner;

        assertThat(ask("example.org", Type.A).getRcode()).isEqualTo(Rcode.SERVFAIL);
        assertThat(answers(ask("inner", Type.A))).containsExactly("10.5.0.2");
        assertThat(outside.asked.get()).isZero();
    }

    @Test
    void aBareNameStaysInsideWhereDotsAreAskedFor() throws Exception {
        Sandbox other = kernel.createSandbox(SandboxKey.of(Town.container("dotted")));
        town.with(List.of("127.0.0.1"), List.of("ndots:2")).run("dotted", other.path(), new At("net", "10.1.0.8"));
        sandbox = other;

        assertThat(ask("nobody", Type.A).getRcode()).isEqualTo(Rcode.NXDOMAIN);
        assertThat(outside.asked.get()).isZero();
        assertThat(answers(ask("some.body", Type.A))).containsExactly("192.0.2.1");
    }

    @Test
    void whatCannotBeReadIsSaidToBeSo() throws Exception {
        byte[] nonsense = {1, 2, 1, 0, 0, 9, 0, 0, 0, 0, 0, 0, 77};

        byte[] answer = exchange(nonsense);

        assertThat(answer[0]).isEqualTo((byte) 1);
        assertThat(answer[1]).isEqualTo((byte) 2);
        assertThat(answer[3] & 0xf).isEqualTo(Rcode.FORMERR);
        assertThat(answers(ask("db", Type.A))).containsExactly("10.1.0.3");
    }

    @Test
    void anAnswerTooLongForADatagramIsCutAndWholeOnAConnection() throws Exception {
        for (int i = 0; i < 60; i++) {
            town.run("many" + i, new At("net", "10.1.0." + (100 + i), "many"));
        }

        Message cut = ask("many", Type.A);

        assertThat(cut.getHeader().getFlag(Flags.TC)).isTrue();
        assertThat(answers(askByConnection("many", Type.A))).hasSize(60);
    }

    // ---- when it is there

    @Test
    void itComesBackWithANewAgent() throws Exception {
        assertThat(answers(ask("db", Type.A))).containsExactly("10.1.0.3");
        attendant.close();

        attendant = attend();

        assertThat(answers(ask("db", Type.A))).containsExactly("10.1.0.3");
    }

    @Test
    void itLeavesASandboxWhoseContainerEnded() throws Exception {
        ask("db", Type.A);
        assertThat(socketsInside()).isPositive();

        town.tell(new ContainerEvent.StopRequested(
                Town.container("web"), dev.wharf.model.Signal.KILL, Instant.EPOCH, true));
        assertThat(answers(ask("db", Type.A))).as("while it runs").containsExactly("10.1.0.3");
        town.tell(new ContainerEvent.Exited(Town.container("web"), new Exit(0, Instant.EPOCH, false, false)));

        for (int i = 0; i < 1500 && socketsInside() > 0; i++) {
            Thread.sleep(20);
        }
        assertThat(socketsInside()).isZero();
    }

    private long socketsInside() throws Exception {
        return namespaces.inNetwork(
                sandbox.path(),
                () -> Files.readAllLines(Path.of("/proc/thread-self/net/udp")).size() - 1L);
    }

    /** A resolver that answers everything, with one address by datagram and another by connection. */
    private static final class Outside implements AutoCloseable {
        private final DatagramSocket datagrams;
        private final ServerSocket connections;
        private final List<Thread> threads = new ArrayList<>();
        final int port;
        final AtomicInteger asked = new AtomicInteger();

        Outside() throws IOException {
            connections = new ServerSocket(0, 5, InetAddress.getByName("127.0.0.1"));
            port = connections.getLocalPort();
            datagrams = new DatagramSocket(port, InetAddress.getByName("127.0.0.1"));
            begin(this::hear);
            begin(this::accept);
        }

        private interface Work {
            void run() throws IOException;
        }

        private void begin(Work work) {
            Thread thread = new Thread(() -> {
                try {
                    while (true) {
                        work.run();
                    }
                } catch (IOException e) {
                    // closed
                }
            });
            thread.setDaemon(true);
            thread.start();
            threads.add(thread);
        }

        private void hear() throws IOException {
            DatagramPacket packet = new DatagramPacket(new byte[4096], 4096);
            datagrams.receive(packet);
            byte[] answer = answer(java.util.Arrays.copyOf(packet.getData(), packet.getLength()), "192.0.2.1");
            datagrams.send(new DatagramPacket(answer, answer.length, packet.getSocketAddress()));
        }

        private void accept() throws IOException {
            try (Socket client = connections.accept()) {
                DataInputStream in = new DataInputStream(client.getInputStream());
                byte[] answer = answer(in.readNBytes(in.readUnsignedShort()), "192.0.2.2");
                DataOutputStream out = new DataOutputStream(client.getOutputStream());
                out.writeShort(answer.length);
                out.write(answer);
            }
        }

        private byte[] answer(byte[] bytes, String address) throws IOException {
            asked.incrementAndGet();
            Message query = new Message(bytes);
            Message answer = new Message(query.getHeader().getID());
            answer.getHeader().setFlag(Flags.QR);
            Record question = query.getQuestion();
            answer.addRecord(question, Section.QUESTION);
            if (question.getName().toString().startsWith("nx.")) {
                answer.getHeader().setRcode(Rcode.NXDOMAIN);
            } else {
                answer.addRecord(
                        new ARecord(question.getName(), DClass.IN, 60, InetAddress.getByName(address)), Section.ANSWER);
            }
            return answer.toWire();
        }

        @Override
        public void close() throws IOException {
            datagrams.close();
            connections.close();
        }
    }
}
