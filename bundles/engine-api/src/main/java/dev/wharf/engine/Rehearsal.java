package dev.wharf.engine;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.Stage;
import dev.wharf.core.journal.Position;
import dev.wharf.core.state.Image;
import dev.wharf.engine.http.Door;
import dev.wharf.engine.http.Endpoint;
import dev.wharf.engine.http.Router;
import dev.wharf.engine.http.Server;
import dev.wharf.engine.http.Workers;
import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.model.ImageId;
import dev.wharf.model.MediaTypes;
import dev.wharf.model.Platform;
import dev.wharf.oci.image.DocumentException;
import dev.wharf.oci.image.ImageConfigs;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * Plays through what clients ask for most, in a house of paper and over a socket of its own, so that the JVM has compiled all of
 * it before the first of them asks: a first answer takes many times as long as a later one, and a first start of a container a
 * third longer.
 */
final class Rehearsal {
    /** From 200 calls on the JVM compiles a method, and a round has most of them twice. */
    private static final int ROUNDS = 105;

    private static final String IMAGE = "rehearsal.invalid/image";

    private static final String CONFIG = """
            {"os":"linux","architecture":"%s","config":{"Env":["PATH=/usr/bin:/bin"],"Cmd":["sh"]},
             "rootfs":{"type":"layers","diff_ids":[]}}
            """;

    private static final String BRIEF = """
            {"Image":"rehearsal.invalid/image","Cmd":["true"],"Env":["A=b"],"Labels":{"a":"b"},"AttachStdout":true,
             "ExposedPorts":{"80/tcp":{}},"HostConfig":{"NetworkMode":"bridge","AutoRemove":true,"Memory":67108864,
             "PortBindings":{"80/tcp":[{"HostIp":"127.0.0.1","HostPort":"80"}]},"CapAdd":["NET_ADMIN"]}}
            """;

    private static final String LASTING = """
            {"Image":"rehearsal.invalid/image","Cmd":["sleep"],"HostConfig":{"NetworkMode":"bridge"}}
            """;

    private static final String EXEC = """
            {"Cmd":["true"],"AttachStdout":true,"AttachStderr":true}
            """;

    /** Filters as a URL has them: {"type":["container"]}. */
    private static final String OF_CONTAINERS = "%7B%22type%22%3A%5B%22container%22%5D%7D";

    /** How long whoever asks in earnest is left alone. */
    private static final long WAY_MILLIS = 50;

    private final Agent inEarnest;
    private final Path socket;

    private Rehearsal(Agent inEarnest, Path socket) {
        this.inEarnest = inEarnest;
        this.socket = socket;
    }

    /**
     * Plays, until done or interrupted.
     *
     * @param folder a place for what is needed meanwhile
     */
    static void play(Agent agent, Router router, Path folder) throws IOException, InterruptedException {
        Path socket = folder.resolve("wharf.sock");
        Door door = new Door();
        try (Stage stage = agent.stage(folder, image());
                Workers workers = new Workers();
                Server server = Server.open(
                        List.of(new Endpoint.Unix(socket, Endpoint.Unix.USUAL_GROUP, 0600)), router, door, workers)) {
            door.open(stage.agent());
            new Rehearsal(agent, socket).play();
            // And how it all came about, as whoever looks back asks.
            stage.agent().hostAt(stage.agent().position());
        }
    }

    private void play() throws IOException, InterruptedException {
        String lasting = create(LASTING);
        ask("POST", "/containers/" + lasting + "/start", "");
        try (SocketChannel events = send("GET", "/events?filters=" + OF_CONTAINERS, "", "close")) {
            head(events);
            events.configureBlocking(false);
            for (int round = 0; round < ROUNDS; round++) {
                giveWay();
                ask("HEAD", "/_ping", "");
                runBriefly();
                exec(lasting);
                runAndKill();
                exec(lasting);
                ask("GET", "/containers/json?all=1", "");
                while (events.read(ByteBuffer.allocate(64 << 10)) > 0) {}
            }
        }
    }

    /** While something happens in earnest, that has the processors. */
    private void giveWay() throws InterruptedException {
        Position before = inEarnest.position();
        Thread.sleep(1);
        while (!inEarnest.position().equals(before)) {
            before = inEarnest.position();
            Thread.sleep(WAY_MILLIS);
        }
    }

    /** As {@code docker run --rm} does it. */
    private void runBriefly() throws IOException {
        String id = create(BRIEF);
        try (SocketChannel attached =
                        send("POST", "/containers/" + id + "/attach?stream=1&stdout=1&stderr=1", "", "Upgrade");
                SocketChannel waiting = send("POST", "/containers/" + id + "/wait?condition=removed", "", "close")) {
            // Whoever is not there yet when it starts may find it gone.
            head(attached);
            head(waiting);
            ask("POST", "/containers/" + id + "/start", "");
            rest(attached);
            rest(waiting);
        }
    }

    private void exec(String container) throws IOException {
        String id = id(ask("POST", "/containers/" + container + "/exec", EXEC));
        try (SocketChannel attached = send("POST", "/exec/" + id + "/start", "{}", "Upgrade")) {
            read(attached);
        }
        ask("GET", "/exec/" + id + "/json", "");
    }

    private void runAndKill() throws IOException {
        String id = create(LASTING);
        ask("GET", "/containers/" + id + "/json", "");
        ask("POST", "/containers/" + id + "/start", "");
        ask("GET", "/containers/" + id + "/json", "");
        ask("POST", "/containers/" + id + "/kill", "");
        ask("POST", "/containers/" + id + "/wait", "");
        ask("DELETE", "/containers/" + id, "");
    }

    private String create(String body) throws IOException {
        return id(ask("POST", "/containers/create", body));
    }

    private static String id(String answer) throws IOException {
        int at = answer.indexOf("\"Id\":\"");
        int end = answer.indexOf('"', at + 6);
        if (at < 0 || end < 0) {
            throw new IOException("no id in the answer: " + answer);
        }
        return answer.substring(at + 6, end);
    }

    private String ask(String method, String path, String body) throws IOException {
        try (SocketChannel channel = send(method, path, body, "close")) {
            return read(channel);
        }
    }

    private SocketChannel send(String method, String path, String body, String connection) throws IOException {
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            channel.connect(UnixDomainSocketAddress.of(socket));
            String request = method + " /v1.44" + path + " HTTP/1.1\r\nHost: wharf\r\nConnection: " + connection
                    + (connection.equals("Upgrade") ? "\r\nUpgrade: tcp" : "")
                    + "\r\nContent-Type: application/json\r\nContent-Length: " + body.length() + "\r\n\r\n" + body;
            ByteBuffer bytes = ByteBuffer.wrap(request.getBytes(StandardCharsets.US_ASCII));
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            return channel;
        } catch (IOException e) {
            channel.close();
            throw e;
        }
    }

    /** All that is answered, which must not be a refusal. */
    private static String read(SocketChannel channel) throws IOException {
        return head(channel) + rest(channel);
    }

    private static String rest(SocketChannel channel) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(64 << 10);
        while (bytes.hasRemaining() && channel.read(bytes) >= 0) {}
        return text(bytes);
    }

    private static String text(ByteBuffer bytes) {
        return new String(bytes.array(), 0, bytes.position(), StandardCharsets.UTF_8);
    }

    /** The beginning of an answer, with its status. */
    private static String head(SocketChannel channel) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(64 << 10);
        channel.read(bytes);
        String answer = text(bytes);
        if (!answer.startsWith("HTTP/1.1 2") && !answer.startsWith("HTTP/1.1 1")) {
            throw new IOException("refused: " + answer);
        }
        return answer;
    }

    private static Image image() throws DocumentException {
        byte[] config = CONFIG.formatted(Platform.host().architecture()).getBytes(StandardCharsets.UTF_8);
        Digest digest = Digest.sha256(config);
        return new Image(
                new ImageId(digest),
                new Descriptor(MediaTypes.OCI_MANIFEST, digest, 1),
                new Descriptor(MediaTypes.OCI_CONFIG, digest, config.length),
                ImageConfigs.parse(config),
                List.of(),
                List.of(IMAGE + ":latest"),
                1,
                Instant.EPOCH,
                true,
                Optional.empty());
    }
}
