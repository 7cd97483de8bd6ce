package dev.wharf.engine.http;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.engine.EngineApi;
import dev.wharf.engine.system.SystemRoutes;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class ServerTest {
    @TempDir
    Path directory;

    private final Workers workers = new Workers();
    private final Door door = new Door();
    private final AtomicReference<Outlet> outlet = new AtomicReference<>();
    private final CountDownLatch gone = new CountDownLatch(1);
    private final CountDownLatch talking = new CountDownLatch(1);
    private final CompletableFuture<Answer> slow = new CompletableFuture<>();
    private Server server;
    private Path socket;

    @BeforeEach
    void open() throws IOException {
        socket = directory.resolve("wharf.sock");
        server = Server.open(List.of(new Endpoint.Unix(socket)), router(), door, workers);
    }

    @AfterEach
    void close() {
        server.close();
        workers.close();
    }

    private Router router() {
        Router router = EngineApi.router(List.of(new SystemRoutes()));
        router.early("GET", "/names/{name}/json", request -> Answer.text(200, request.name()));
        router.early("GET", "/names/fixed", request -> Answer.text(200, "the fixed one"));
        router.early("GET", "/names/{name}", request -> Answer.text(200, "greedy " + request.name()));
        router.early(
                "GET",
                "/query",
                request -> Answer.text(
                        200,
                        request.query().text("a") + "|" + request.query().flag("f", true) + "|"
                                + request.query().all("l")));
        router.early("GET", "/slow", request -> Answer.later(slow));
        router.early("POST", "/json", request -> Answer.text(200, request.json().text("Image")));
        router.early("GET", "/fault", request -> {
            throw new IllegalStateException("a secret of ours");
        });
        router.early(
                "GET",
                "/flow",
                request -> Answer.flow("application/json", to -> {
                    to.onGone(gone::countDown);
                    outlet.set(to);
                }));
        router.early(
                "GET",
                "/flood",
                request -> Answer.flow(
                        "application/octet-stream",
                        to -> request.transfer(() -> {
                            try (OutputStream out = to.blocking()) {
                                byte[] block = new byte[100_000];
                                for (int i = 0; i < 200; i++) {
                                    out.write(block);
                                }
                            }
                            return null;
                        })));
        router.get("/with-agent", (agent, request) -> Answer.text(200, "here"));
        router.upload(
                "POST",
                "/upload",
                (agent, request) -> Answer.later(request.transfer(() -> {
                    byte[] buffer = new byte[8192];
                    long total = 0;
                    for (int n = request.stream().read(buffer);
                            n >= 0;
                            n = request.stream().read(buffer)) {
                        total += n;
                    }
                    return Answer.text(200, Long.toString(total));
                })));
        router.upload("POST", "/refused-upload", (agent, request) -> Answer.error(400, "not this"));
        router.hijack("/echo/{name}", (agent, request) -> {
            if (request.name().equals("nobody")) {
                throw Problem.missing("No such container: nobody");
            }
            return Answer.later(request.work(() -> new Answer.Switch("application/vnd.docker.raw-stream", this::echo)));
        });
        router.hijack(
                "/patient",
                (agent, request) -> new Answer.Switch("application/vnd.docker.raw-stream", this::waitForTheClientToGo));
        router.hijack(
                "/talkative",
                (agent, request) -> new Answer.Switch("application/vnd.docker.raw-stream", duplex -> {
                    talking.countDown();
                    duplex.send("at once".getBytes(UTF_8), ByteBuffer.allocate(0));
                    duplex.finish();
                }));
        router.hijack(
                "GET",
                "/frames",
                (agent, request) -> new Answer.WebSocket(
                        request.webSocket(), !request.query().flag("text", false), this::echo));
        return router;
    }

    /** Goes on when the client ends its input, as which its end may show at first. */
    private void waitForTheClientToGo(Duplex duplex) {
        duplex.onGone(gone::countDown);
        duplex.listen(new Duplex.Input() {
            @Override
            public void bytes(ByteBuffer bytes) {}

            @Override
            public void ended() {}
        });
    }

    /** Sends back what comes; a full stop ends it from our side. */
    private void echo(Duplex duplex) {
        duplex.onGone(gone::countDown);
        duplex.listen(new Duplex.Input() {
            @Override
            public void bytes(ByteBuffer bytes) {
                boolean stop = bytes.remaining() == 1 && bytes.get(bytes.position()) == '.';
                duplex.send(new byte[0], bytes);
                if (stop) {
                    duplex.finish();
                }
            }

            @Override
            public void ended() {
                duplex.send("<end>".getBytes(UTF_8), ByteBuffer.allocate(0));
                duplex.finish();
            }
        });
    }

    private Line.Reply get(String uri) throws IOException {
        try (Line line = Line.to(socket)) {
            return line.request("GET", uri).reply();
        }
    }

    private void agentArrives() {
        door.open(TestAgents.none());
    }

    // ---- what every client sees

    @Test
    void aPingIsAnsweredWithTheHeadersThatClientsNegotiateBy() throws IOException {
        Line.Reply ping = get("/_ping");

        assertThat(ping.status()).isEqualTo(200);
        assertThat(ping.text()).isEqualTo("OK");
        assertThat(ping.header("Content-Type")).isEqualTo("text/plain; charset=utf-8");
        assertThat(ping.header("Api-Version")).isEqualTo("1.51");
        assertThat(ping.header("Ostype")).isEqualTo("linux");
        assertThat(ping.header("Docker-Experimental")).isEqualTo("false");
        assertThat(ping.header("Server")).matches("Docker/\\d+\\.\\d+\\.\\d+ \\(linux\\)");
        assertThat(ping.header("Swarm")).isEqualTo("inactive");
        assertThat(ping.header("Cache-Control")).isEqualTo("no-cache, no-store, must-revalidate");
    }

    @Test
    void aPingByHeadHasNoBodyAndSaysSo() throws IOException {
        try (Line line = Line.to(socket)) {
            Line.Reply first = line.request("HEAD", "/_ping").reply(false);
            Line.Reply second = line.request("GET", "/v1.44/_ping").reply();

            assertThat(first.header("Content-Length")).isEqualTo("0");
            assertThat(second.text()).isEqualTo("OK");
        }
    }

    @Test
    void anErrorIsOneLineOfJsonWithTheBareContentType() throws IOException {
        Line.Reply reply = get("/nowhere<&>");

        assertThat(reply.status()).isEqualTo(404);
        assertThat(reply.header("Content-Type")).isEqualTo("application/json");
        assertThat(reply.text()).isEqualTo("{\"message\":\"page not found\"}\n");
        assertThat(reply.header("Api-Version")).isEqualTo("1.51");
    }

    @Test
    void aPathWithTwoSlashesIsElsewhere() throws IOException {
        Line.Reply reply = get("//v1.41///nowhere?all=1//");

        assertThat(reply.status()).isEqualTo(301);
        assertThat(reply.header("Location")).isEqualTo("/v1.41/nowhere?all=1//");
    }

    @Test
    void aWrongMethodIsAPageThatIsNotFound() throws IOException {
        try (Line line = Line.to(socket)) {
            assertThat(line.request("PATCH", "/_ping").reply().status()).isEqualTo(404);
        }
    }

    @Test
    void optionsOfAnyPathIsFineAndSaysNothing() throws IOException {
        try (Line line = Line.to(socket)) {
            for (String path : List.of("/", "/_ping", "/v1.44/names/a/json", "/nowhere")) {
                Line.Reply reply = line.request("OPTIONS", path).reply();

                assertThat(reply.status()).as(path).isEqualTo(200);
                assertThat(reply.header("Content-Length")).isEqualTo("0");
            }
        }
    }

    @Test
    void aVersionThatIsTooNewOrTooOldIsABadRequest() throws IOException {
        assertThat(get("/v1.99/_ping").text())
                .isEqualTo("{\"message\":\"client version 1.99 is too new. Maximum supported API version is 1.51\"}\n");
        Line.Reply old = get("/v1.12/_ping");
        assertThat(old.text())
                .isEqualTo("client version 1.12 is too old. Minimum supported API version is 1.24, please"
                        + " upgrade your client to a newer version\n");
        assertThat(old.header("Content-Type")).as("what shows it as it is").isEqualTo("text/plain; charset=utf-8");
        assertThat(get("/v2.0/_ping").status()).isEqualTo(400);
        assertThat(get("/v1.24/_ping").status()).isEqualTo(200);
    }

    @Test
    void aNameInAPathMayHoldSlashesPlainOrEncoded() throws IOException {
        assertThat(get("/v1.44/names/registry:5000/ns/app:tag/json").text()).isEqualTo("registry:5000/ns/app:tag");
        assertThat(get("/names/registry%3A5000%2Fns%2Fapp/json").text()).isEqualTo("registry:5000/ns/app");
        assertThat(get("/names/fixed").text()).isEqualTo("the fixed one");
        assertThat(get("/names/other/one").text()).isEqualTo("greedy other/one");
    }

    @Test
    void aFlagIsReadAsDockerReadsIt() throws IOException {
        assertThat(get("/query?a=b+c%2Bd&f=0&l=1&l=2").text()).isEqualTo("b c+d|false|[1, 2]");
        assertThat(get("/query?f=yes").text()).isEqualTo("|true|[]");
        assertThat(get("/query?f=").text()).isEqualTo("|false|[]");
        assertThat(get("/query?f=None").text()).isEqualTo("|false|[]");
        assertThat(get("/query").text()).isEqualTo("|true|[]");
        assertThat(get("/query?a=%zz").status()).isEqualTo(400);
    }

    @Test
    void anyHostHeaderWillDo() throws IOException {
        for (String host : List.of("", "api.moby.localhost", "%2Frun%2Fwharf.sock", "localhost:2375")) {
            try (Line line = Line.to(socket)) {
                assertThat(line.send("GET /_ping HTTP/1.1\r\nHost: " + host + "\r\n\r\n")
                                .reply()
                                .status())
                        .isEqualTo(200);
            }
        }
    }

    @Test
    void aFaultIsToldWithoutItsInside() throws IOException {
        Line.Reply reply = get("/fault");

        assertThat(reply.status()).isEqualTo(500);
        assertThat(reply.text()).doesNotContain("secret").startsWith("{\"message\":");
    }

    // ---- bodies

    @Test
    void jsonIsReadInAnySpellingAndUnknownFieldsAreIgnored() throws IOException {
        try (Line line = Line.to(socket)) {
            assertThat(line.request("POST", "/json", "{\"image\":\"busybox\",\"new\":[1]}")
                            .reply()
                            .text())
                    .isEqualTo("busybox");
            assertThat(line.request("POST", "/json").reply().status()).isEqualTo(200);
        }
    }

    @Test
    void malformedJsonIsABadRequestThatSaysWhere() throws IOException {
        try (Line line = Line.to(socket)) {
            assertThat(line.request("POST", "/json", "{\"Image\":").reply().text())
                    .contains("invalid JSON");
            assertThat(line.request("POST", "/json", "{\"Image\":7}").reply().text())
                    .isEqualTo("{\"message\":\"invalid JSON: field Image is a number, expected a string\"}\n");
            assertThat(line.request("POST", "/json", "[]").reply().status()).isEqualTo(400);
            assertThat(line.request("POST", "/json", "{} {}").reply().status()).isEqualTo(400);
        }
    }

    @Test
    void jsonUnderAnotherContentTypeIsABadRequest() throws IOException {
        try (Line line = Line.to(socket)) {
            Line.Reply reply = line.send("POST /json HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n"
                            + "Content-Length: 2\r\n\r\n{}")
                    .reply();

            assertThat(reply.status()).isEqualTo(400);
            assertThat(reply.text()).contains("must be 'application/json'");
        }
    }

    @Test
    void anUploadIsReadAsItComesHoweverLongItIs() throws IOException {
        agentArrives();
        try (Line line = Line.to(socket)) {
            line.send("POST /upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
            byte[] block = new byte[65536];
            for (int i = 0; i < 160; i++) {
                line.send("10000\r\n").send(block).send("\r\n");
            }
            assertThat(line.send("0\r\n\r\n").reply().text()).isEqualTo(Long.toString(160L * 65536));
            assertThat(line.request("GET", "/_ping").reply().text()).isEqualTo("OK");
        }
    }

    /** As okhttp writes a hijacked request; Go goes by the chunks. */
    @Test
    void chunksCountMoreThanALengthAndOneLengthMayBeSaidTwice() throws IOException {
        agentArrives();
        for (String length : List.of("0", "2", "70")) {
            try (Line line = Line.to(socket)) {
                line.send(
                                "POST /echo/web HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: "
                                        + length + "\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\nhello")
                        .endInput();

                assertThat(line.head().status()).isEqualTo(101);
                assertThat(new String(line.rest(), UTF_8)).isEqualTo("hello<end>");
            }
        }
        try (Line line = Line.to(socket)) {
            String twice = "POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: ";
            assertThat(line.send(twice + "3\r\n\r\nabc").reply().text()).isEqualTo("3");
            assertThat(line.send(twice + "4\r\n\r\nabcd").reply().status()).isEqualTo(400);
        }
    }

    @Test
    void aClientThatAsksFirstIsToldToGoOn() throws IOException {
        agentArrives();
        try (Line line = Line.to(socket)) {
            line.send("POST /upload HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");

            assertThat(line.head().statusLine()).isEqualTo("HTTP/1.1 100 Continue");
            assertThat(line.send("abc").reply().text()).isEqualTo("3");
        }
    }

    @Test
    void aRefusedUploadIsAnsweredBeforeItIsOver() throws IOException {
        agentArrives();
        try (Line line = Line.to(socket)) {
            line.send("POST /refused-upload HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n")
                    .send(new byte[100_000]);

            Line.Reply reply = line.reply();

            assertThat(reply.status()).isEqualTo(400);
            assertThat(reply.header("Connection")).isEqualTo("close");
        }
    }

    @Test
    void aBodyLargerThanAnyJsonIsRefused() throws IOException {
        try (Line line = Line.to(socket)) {
            line.send("POST /json HTTP/1.1\r\nHost: x\r\nContent-Length: 50000000\r\n\r\n")
                    .send(new byte[9 << 20]);

            assertThat(line.reply().status()).isEqualTo(413);
        }
    }

    // ---- connections

    @Test
    void requestsSentTogetherAreAnsweredInOrder() throws IOException {
        try (Line line = Line.to(socket)) {
            line.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\nGET /names/b HTTP/1.1\r\nHost: x\r\n\r\n"
                    + "GET /names/c HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
            slow.complete(Answer.text(200, "a"));

            assertThat(line.reply().text()).isEqualTo("a");
            assertThat(line.reply().text()).isEqualTo("greedy b");
            assertThat(line.reply().text()).isEqualTo("greedy c");
            assertThat(line.rest()).isEmpty();
        }
    }

    @Test
    void aHundredRequestsSentTogetherAreAllAnswered() throws IOException {
        try (Line line = Line.to(socket)) {
            line.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n" + "GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n".repeat(100));
            slow.complete(Answer.text(200, "a"));

            assertThat(line.reply().text()).isEqualTo("a");
            for (int i = 0; i < 100; i++) {
                assertThat(line.reply().text()).isEqualTo("OK");
            }
        }
    }

    @Test
    void whatIsNoHttpIsABadRequestAndEndsTheConnection() throws IOException {
        for (String nonsense :
                List.of("\u0016\u0003\u0001 hello\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/1.1\r\nno colon\r\n\r\n")) {
            try (Line line = Line.to(socket)) {
                Line.Reply reply = line.send(nonsense).reply();

                assertThat(reply.status()).isEqualTo(400);
                assertThat(reply.header("Content-Type")).isEqualTo("application/json");
                assertThat(line.rest()).isEmpty();
            }
        }
    }

    @Test
    void aClientThatEndsItsInputStillGetsItsAnswer() throws IOException {
        try (Line line = Line.to(socket)) {
            assertThat(line.request("GET", "/_ping").endInput().reply().text()).isEqualTo("OK");
            assertThat(line.rest()).isEmpty();
        }
    }

    @Test
    void anOldClientGetsAStreamThatEndsWithTheConnection() throws IOException {
        try (Line line = Line.to(socket)) {
            line.send("GET /flow HTTP/1.0\r\n\r\n");
            assertThat(line.head().headers()).doesNotContainKey("transfer-encoding");
            outlet().send("one".getBytes(UTF_8));
            outlet().end();

            assertThat(new String(line.rest(), UTF_8)).isEqualTo("one");
        }
    }

    // ---- streams

    @Test
    void aStreamSendsItsHeadAtOnceAndEachRecordAsAChunkOfItsOwn() throws IOException {
        try (Line line = Line.to(socket)) {
            line.request("GET", "/flow");

            assertThat(line.head().header("Transfer-Encoding")).isEqualTo("chunked");
            outlet().send("one".getBytes(UTF_8));
            assertThat(line.chunk()).isEqualTo("one".getBytes(UTF_8));
            outlet().send(List.of("two".getBytes(UTF_8), new byte[0], "three".getBytes(UTF_8)));
            assertThat(line.chunk()).isEqualTo("two".getBytes(UTF_8));
            assertThat(line.chunk()).isEqualTo("three".getBytes(UTF_8));
            outlet().end();
            assertThat(line.chunk()).isEmpty();
            assertThat(line.request("GET", "/_ping").reply().text()).isEqualTo("OK");
        }
    }

    @Test
    void aStreamHearsThatItsClientIsGone() throws Exception {
        try (Line line = Line.to(socket)) {
            line.request("GET", "/flow").head();
        }

        assertThat(gone.await(30, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void aStreamGoesOnForAClientThatOnlyEndedItsInput() throws Exception {
        try (Line line = Line.to(socket)) {
            line.request("GET", "/flow").endInput().head();
            outlet().send("one".getBytes(UTF_8));

            assertThat(line.chunk()).isEqualTo("one".getBytes(UTF_8));
            assertThat(gone.getCount()).isEqualTo(1);
        }
        assertThat(gone.await(20, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void aSlowClientHoldsAStreamBackAndLosesNothing() throws Exception {
        try (Line line = Line.to(socket)) {
            line.request("GET", "/flood").head();
            TimeUnit.MILLISECONDS.sleep(200);
            long total = 0;
            for (byte[] chunk = line.chunk(); chunk.length > 0; chunk = line.chunk()) {
                total += chunk.length;
            }

            assertThat(total).isEqualTo(20_000_000);
        }
    }

    private Outlet outlet() {
        while (outlet.get() == null) {
            Thread.onSpinWait();
        }
        return outlet.get();
    }

    // ---- connections taken over

    @Test
    void anUpgradeIsAnsweredInTheWordsThatClientsCompare() throws IOException {
        agentArrives();
        try (Line line = Line.to(socket)) {
            line.send("POST /v1.44/echo/web HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
            Line.Reply head = line.head();

            assertThat(head.statusLine()).isEqualTo("HTTP/1.1 101 UPGRADED");
            assertThat(head.header("Connection")).isEqualTo("Upgrade");
            assertThat(head.header("Upgrade")).isEqualTo("tcp");
            assertThat(head.header("Content-Type")).isEqualTo("application/vnd.docker.raw-stream");
            assertThat(line.send("hello").text(5)).isEqualTo("hello");
            assertThat(line.endInput().rest()).isEqualTo("<end>".getBytes(UTF_8));
        }
    }

    private static final String OPENING = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

    /** A short frame as clients send them: masked, here with zeros, which changes nothing. */
    private static byte[] frame(int opcode, String text) {
        return ByteBuffer.allocate(6 + text.length())
                .put((byte) (0x80 | opcode))
                .put((byte) (0x80 | text.length()))
                .putInt(0)
                .put(text.getBytes(UTF_8))
                .array();
    }

    @Test
    void aWebSocketIsOpenedAsInTheSpecificationsExample() throws IOException {
        agentArrives();
        try (Line line = Line.to(socket)) {
            line.send("GET /v1.44/frames HTTP/1.1\r\nHost: x\r\nSec-WebSocket-Protocol: chat\r\n" + OPENING);
            Line.Reply head = line.head();

            assertThat(head.status()).isEqualTo(101);
            assertThat(head.header("Upgrade")).isEqualTo("websocket");
            assertThat(head.header("Sec-WebSocket-Accept")).isEqualTo("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
            assertThat(head.header("Sec-WebSocket-Protocol")).isEqualTo("chat");
            assertThat(line.send(frame(2, "hello")).read(7)).isEqualTo("\u0082\u0005hello".getBytes(ISO_8859_1));
            assertThat(line.send(frame(9, "you there?")).read(12)).isEqualTo("\u008a\nyou there?".getBytes(ISO_8859_1));
            // Normal closure, said by the side that ends it, and the connection with it.
            assertThat(line.send(frame(1, ".")).read(7))
                    .isEqualTo("\u0082\u0001.\u0088\u0002\u0003\u00e8".getBytes(ISO_8859_1));
            assertThat(line.send(frame(8, "")).rest()).isEmpty();
        }
    }

    @Test
    void aWebSocketThatItsClientClosesEndsTheInput() throws Exception {
        agentArrives();
        try (Line line = Line.to(socket)) {
            line.send("GET /frames?text=1 HTTP/1.1\r\nHost: x\r\n" + OPENING).head();
            line.send(frame(8, ""));

            assertThat(line.rest()).startsWith("\u0081\u0005<end>\u0088".getBytes(ISO_8859_1));
        }
    }

    @Test
    void whatIsNoWebSocketIsToldSo() throws IOException {
        agentArrives();
        assertThat(get("/frames").text()).contains("this path is for WebSockets");
        try (Line line = Line.to(socket)) {
            line.send("GET /frames HTTP/1.1\r\nHost: x\r\n" + OPENING.replace("13", "8"));
            assertThat(line.reply().status()).isEqualTo(400);
        }
        try (Line line = Line.to(socket)) {
            line.send("GET /frames HTTP/1.1\r\nHost: x\r\n" + OPENING).head();
            // A frame without a mask is against the rules (RFC 6455, 5.1).
            assertThat(line.send(new byte[] {(byte) 0x82, 1, 'x'}).read(2)[0]).isEqualTo((byte) 0x88);
        }
    }

    /** A client that reads the head through a buffer would lose what comes along with it. */
    @Test
    void nothingFollowsTheHeadOfAConnectionTakenOverBeforeThatWasRead() throws Exception {
        agentArrives();
        try (Line line = Line.to(socket)) {
            line.send("POST /talkative HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
            // It begins without waiting for the client, which may be slow to read.
            assertThat(talking.await(30, TimeUnit.SECONDS)).isTrue();
            TimeUnit.MILLISECONDS.sleep(100);

            assertThat(line.arrived()).startsWith("HTTP/1.1 101 ").endsWith("\r\n\r\n");
            assertThat(line.rest()).isEqualTo("at once".getBytes(UTF_8));
        }
        try (Line line = Line.to(socket)) {
            line.send("POST /talkative HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
            TimeUnit.SECONDS.sleep(1);
            // One that reads nothing for long is not waited for.
            assertThat(new String(line.rest(), UTF_8)).endsWith("\r\n\r\nat once");
        }
    }

    @Test
    void withoutAnUpgradeTheConnectionIsTakenOverTheOldWay() throws IOException {
        agentArrives();
        try (Line line = Line.to(socket)) {
            Line.Reply head = line.request("POST", "/echo/web", "{}").head();

            assertThat(head.statusLine()).isEqualTo("HTTP/1.1 200 OK");
            assertThat(head.headers()).doesNotContainKeys("content-length", "transfer-encoding");
            assertThat(line.send("hello").text(5)).isEqualTo("hello");
        }
    }

    @Test
    void whatIsSentBehindTheRequestIsInput() throws IOException {
        try (Line line = Line.to(socket)) {
            line.send(
                            "POST /echo/web HTTP/1.1\r\nHost: x\r\nUpgrade: tcp\r\nContent-Length: 2\r\n\r\n{}GET / HTTP/1.1\r\n\r\n")
                    .endInput();
            agentArrives();

            assertThat(line.head().status()).isEqualTo(101);
            assertThat(new String(line.rest(), UTF_8)).isEqualTo("GET / HTTP/1.1\r\n\r\n<end>");
        }
    }

    @Test
    void muchInputIsEchoedWhole() throws Exception {
        agentArrives();
        byte[] block = new byte[1 << 20];
        new java.util.Random(1).nextBytes(block);
        try (Line line = Line.to(socket)) {
            line.send("POST /echo/web HTTP/1.1\r\nHost: x\r\nUpgrade: tcp\r\n\r\n")
                    .head();
            CompletableFuture<Void> sent = CompletableFuture.runAsync(() -> {
                try {
                    line.send(block).endInput();
                } catch (IOException e) {
                    throw new java.io.UncheckedIOException(e);
                }
            });
            byte[] echoed = line.rest();
            sent.get();

            assertThat(echoed).hasSize(block.length + 5).startsWith(block);
        }
    }

    @Test
    void aRefusedUpgradeIsAPlainAnswerAndEndsTheConnection() throws IOException {
        agentArrives();
        try (Line line = Line.to(socket)) {
            line.send("POST /echo/nobody HTTP/1.1\r\nHost: x\r\nUpgrade: tcp\r\n\r\n");
            Line.Reply reply = line.reply();

            assertThat(reply.status()).isEqualTo(404);
            assertThat(reply.text()).isEqualTo("{\"message\":\"No such container: nobody\"}\n");
            assertThat(line.rest()).isEmpty();
        }
    }

    @Test
    void aTakenConnectionHearsThatItsClientIsGone() throws Exception {
        agentArrives();
        try (Line line = Line.to(socket)) {
            line.send("POST /patient HTTP/1.1\r\nHost: x\r\nUpgrade: tcp\r\n\r\n")
                    .head();
        }

        assertThat(gone.await(30, TimeUnit.SECONDS)).isTrue();
    }

    // ---- the agent

    @Test
    void aRequestWaitsForTheAgentWhileThePingDoesNot() throws IOException {
        try (Line waiting = Line.to(socket)) {
            waiting.request("GET", "/with-agent");
            assertThat(get("/_ping").text()).isEqualTo("OK");
            agentArrives();

            assertThat(waiting.reply().text()).isEqualTo("here");
        }
    }

    // ---- the socket

    @Test
    void theSocketIsForItsOwnerAndGroupOnly() throws IOException {
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)))
                .isEqualTo("rw-rw----");
    }

    @Test
    void aSocketThatAnotherAgentServesIsNotTaken() {
        assertThatThrownBy(() -> Server.open(List.of(new Endpoint.Unix(socket)), router(), door, workers))
                .isInstanceOf(IOException.class)
                .hasMessage("cannot listen on " + socket + ": another agent answers there; stop it, or choose another"
                        + " socket with --host");
    }

    @Test
    void aSocketThatAKilledAgentLeftIsReplaced() throws IOException {
        Path stale = directory.resolve("stale.sock");
        try (var left = java.nio.channels.ServerSocketChannel.open(java.net.StandardProtocolFamily.UNIX)) {
            left.bind(java.net.UnixDomainSocketAddress.of(stale));
        }
        try (Server second = Server.open(List.of(new Endpoint.Unix(stale)), router(), door, workers);
                Line line = Line.to(stale)) {
            assertThat(line.request("GET", "/_ping").reply().text()).isEqualTo("OK");
        }
        assertThat(stale).doesNotExist();
    }

    @Test
    void aFileThatIsNoSocketIsLeftAlone() throws IOException {
        Path file = Files.writeString(directory.resolve("precious"), "text");

        assertThatThrownBy(() -> Server.open(List.of(new Endpoint.Unix(file)), router(), door, workers))
                .hasMessageContaining("a file that is no socket is in the way");
        assertThat(file).hasContent("text");
    }
}
