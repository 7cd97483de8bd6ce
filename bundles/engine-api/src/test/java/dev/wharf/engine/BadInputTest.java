package dev.wharf.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.engine.archive.Trees;
import dev.wharf.engine.http.Door;
import dev.wharf.engine.http.Endpoint;
import dev.wharf.engine.http.Line;
import dev.wharf.engine.http.Server;
import dev.wharf.engine.http.Workers;
import dev.wharf.engine.journal.AgentFacts;
import dev.wharf.engine.json.Json;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What makes no sense gets Docker's status and a message that helps, and changes nothing. */
@Timeout(120)
class BadInputTest {
    private static final String X64 = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

    /** Two bytes and 254 more. */
    private static final String LONG_NAME =
            "%C3%A4" + X64 + X64 + X64 + "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

    @TempDir
    Path directory;

    private final Workers workers = new Workers();
    private final StandingAgent agent = new StandingAgent();
    private Server server;
    private Path socket;

    @BeforeEach
    void open() throws IOException {
        socket = directory.resolve("wharf.sock");
        Door door = new Door();
        door.open(agent.agent());
        AgentFacts facts = new AgentFacts("test", Instant.EPOCH, directory, directory);
        server = Server.open(
                List.of(new Endpoint.Unix(socket)),
                EngineApi.router(EngineApi.routes(facts, new Trees(), java.time.Duration.ZERO)),
                door,
                workers);
        assertThat(post("/containers/create?name=web", "{\"Image\":\"busybox\"}")
                        .status())
                .isEqualTo(201);
    }

    @AfterEach
    void close() {
        server.close();
        workers.close();
    }

    private Line.Reply post(String uri, String json) throws IOException {
        try (Line line = Line.to(socket)) {
            return line.request("POST", uri, json).reply();
        }
    }

    private Line.Reply bare(String method, String uri) throws IOException {
        try (Line line = Line.to(socket)) {
            return line.request(method, uri).reply(!method.equals("HEAD"));
        }
    }

    /** An error as every client reads it: JSON without a charset, with one message. */
    private static void assertRefused(Line.Reply reply, int status, String message) throws IOException {
        assertThat(reply.status()).as(reply.text()).isEqualTo(status);
        assertThat(reply.header("Content-Type")).isEqualTo("application/json");
        assertThat(Json.parse(reply.body()).path("message").asText()).contains(message);
    }

    @ParameterizedTest(name = "{0} {1}")
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '`',
            value = {
                // versions
                "GET;/v1.99/containers/json;400;client version 1.99 is too new. Maximum supported API version is 1.51",
                "GET;/v2.0/info;400;is too new",
                "GET;/containers/web/stats?one-shot=1;400;cannot have stream=true and one-shot=true",
                // paths and methods
                "GET;/nonsense;404;page not found",
                "PATCH;/containers/json;404;page not found",
                "DELETE;/info;404;page not found",
                "GET;/containers/%zz/json;400;invalid URL escape",
                // filters
                "GET;/containers/json?filters=%7B;400;invalid filters",
                "GET;/containers/json?filters=%5B%5D;400;invalid filters",
                "GET;/containers/json?filters=%7B%22nope%22%3A%5B%22a%22%5D%7D;400;invalid filter 'nope'",
                "GET;/containers/json?filters=%7B%22status%22%3A%5B%22odd%22%5D%7D;400;invalid filter 'status=odd'",
                "GET;/images/json?filters=%7B%22nope%22%3A%5B%22a%22%5D%7D;400;invalid filter 'nope'",
                "GET;/images/json?filters=%7B%22dangling%22%3A%5B%22odd%22%5D%7D;400;invalid filter 'dangling=[odd]'",
                "GET;/networks?filters=%7B%22nope%22%3A%5B%22a%22%5D%7D;400;invalid filter 'nope'",
                "GET;/volumes?filters=%7B%22nope%22%3A%5B%22a%22%5D%7D;400;invalid filter 'nope'",
                "GET;/events?filters=%7B%22type%22%3A%22a%22%7D;400;invalid filters",
                "POST;/containers/prune?filters=%7B%22nope%22%3A%5B%22a%22%5D%7D;400;invalid filter 'nope'",
                "POST;/images/prune?filters=%7B%22nope%22%3A%5B%22a%22%5D%7D;400;invalid filter 'nope'",
                "POST;/networks/prune?filters=%7B%22nope%22%3A%5B%22a%22%5D%7D;400;invalid filter 'nope'",
                "POST;/volumes/prune?filters=%7B%22nope%22%3A%5B%22a%22%5D%7D;400;invalid filter 'nope'",
                "POST;/volumes/prune?filters=%7B%22all%22%3A%5B%22odd%22%5D%7D;400;invalid filter 'all=[odd]'",
                "POST;/containers/prune?filters=%7B%22until%22%3A%5B%22odd%22%5D%7D;400;failed to parse value as time or duration: \"odd\"",
                "GET;/containers/json?filters=%7B%22health%22%3A%5B%22odd%22%5D%7D;400;invalid filter 'health=odd'",
                "GET;/images/json?filters=%7B%22before%22%3A%5B%22busybox%22%2C%22nope%22%5D%7D;404;No such image: nope",
                "GET;/containers/json?filters=%7B%22exited%22%3A%5B%22odd%22%5D%7D;400;invalid filter 'exited=odd'",
                "GET;/containers/json?filters=%7B%22is-task%22%3A%5B%22odd%22%5D%7D;400;invalid filter 'is-task=[odd]'",
                "GET;/containers/json?filters=%7B%22publish%22%3A%5B%2280-70%22%5D%7D;400;80-70",
                "GET;/containers/json?filters=%7B%22expose%22%3A%5B%22x%22%5D%7D;400;x",
                "GET;/networks?filters=%7B%22type%22%3A%5B%22odd%22%5D%7D;400;invalid filter: 'type'='odd'",
                "GET;/networks?filters=%7B%22dangling%22%3A%5B%22odd%22%5D%7D;400;invalid filter 'dangling=[odd]'",
                "GET;/volumes?filters=%7B%22dangling%22%3A%5B%22odd%22%5D%7D;400;invalid filter 'dangling=[odd]'",
                "GET;/volumes?filters=%7B%22label%22%3A%22a%22%7D;400;invalid filters",
                "GET;/images/json?filters=%7B%22reference%22%3A%5B%22%5B%22%5D%7D;400;syntax error in pattern",
                "GET;/images/json?filters=%7B%22until%22%3A%5B%22odd%22%5D%7D;400;failed to parse value as time or duration: \"odd\"",
                "POST;/containers/prune?filters=%7B%22until%22%3A%5B%221h%22%2C%222h%22%5D%7D;400;more than one until",
                "GET;/plugins?filters=%7B%22nope%22%3A%5B%22a%22%5D%7D;400;invalid filter 'nope'",
                "GET;/plugins?filters=%7B%22enabled%22%3A%5B%22odd%22%5D%7D;400;invalid filter 'enabled=[odd]'",
                // keys to let go by
                "POST;/containers/web/attach?stream=1&detachKeys=bad;400;Invalid detach keys (bad) provided",
                "POST;/containers/web/attach?stream=1&detachKeys=ctrl-A;400;Invalid detach keys (ctrl-A) provided",
                "POST;/containers/web/attach?stream=1&detachKeys=a%2C;400;Invalid detach keys (a,) provided",
                "POST;/containers/web/kill;409;cannot kill container: web: container",
                "POST;/containers/none/kill;404;cannot kill container: none: No such container: none",
                // numbers and times
                "GET;/containers/json?limit=ten;400;limit",
                "GET;/events?since=odd;400;failed to parse value as time or duration: \"odd\"",
                "GET;/containers/web/logs;400;you must choose at least one stream",
                "POST;/containers/web/stop?t=ten;400;\"t\"",
                "POST;/containers/web/kill?signal=NOPE;400;invalid signal: NOPE",
                "POST;/containers/web/kill?signal=SIG42;400;invalid signal: SIG42",
                "POST;/containers/web/kill?signal=99;400;cannot kill container: web: the linux daemon does not support signal 99",
                "POST;/containers/web/stop?signal=NOPE;400;cannot stop container: web: invalid signal: NOPE",
                "POST;/containers/web/start?checkpoint=a;400;checkpoint is only supported in experimental mode",
                "POST;/containers/web/restart?signal=NOPE;400;Cannot restart container web: invalid signal: NOPE",
                "POST;/containers/web/kill?signal=0;400;invalid signal: 0",
                "POST;/containers/web/resize;400;invalid resize height \"\": invalid syntax",
                "POST;/containers/web/resize?h=-1&w=2;400;invalid resize height \"-1\": value out of range",
                "POST;/containers/web/resize?h=1&w=4294967296;400;invalid resize width \"4294967296\": value out of range",
                "GET;/system/df?type=nope;400;unknown object type: nope",
                // names
                "GET;/containers/none/json;404;No such container: none",
                "POST;/containers/none/start;404;No such container: none",
                "DELETE;/containers/none;404;No such container: none",
                "GET;/containers/none/archive?path=/;404;No such container: none",
                "GET;/containers/none/changes;404;No such container: none",
                "GET;/containers/none/export;404;No such container: none",
                "GET;/containers/web/archive;400;path cannot be empty",
                "PUT;/containers/web/archive;400;path cannot be empty",
                "GET;/containers/web/archive?path=%2Fa%00b;400;NUL byte",
                "PUT;/containers/web/archive?path=%2Fa%00b;400;NUL byte",
                "GET;/containers/web/archive?path=%2F" + LONG_NAME + ";400;more than 255 bytes",
                "POST;/images/create?fromSrc=http%3A%2F%2F%7B;400;failed to parse URL http://{",
                "POST;/containers/web/rename;400;names may be empty",
                "POST;/containers/web/unpause;500;is not paused",
                "POST;/containers/web/rename?name=a/b;400;a/b",
                "GET;/exec/none/json;404;No such exec instance: none",
                "GET;/images/none/json;404;No such image: none:latest",
                "GET;/images/UPPER/json;400;lowercase",
                "GET;/images/busybox/json?platform=%7B;400;invalid JSON",
                "GET;/images/busybox/get?platform=%7B%22os%22%3A%22plan9%22%2C%22architecture%22%3A%22vax%22%7D;404;no"
                        + " suitable export target found for platform plan9/vax",
                "GET;/images/busybox/json?platform=%7B%22os%22%3A%22plan9%22%2C%22architecture%22%3A%22vax%22%7D;404;"
                        + "does not match the specified platform (plan9/vax)",
                "POST;/images/busybox/push?platform=%7B%22os%22%3A%22plan9%22%2C%22architecture%22%3A%22vax%22%7D;404;"
                        + "does not match the specified platform (plan9/vax)",
                "DELETE;/images/busybox?platforms=%7B%22os%22%3A%22plan9%22%2C%22architecture%22%3A%22vax%22%7D;404;"
                        + "does not match the specified platform (plan9/vax)",
                "GET;/images/none/get;404;No such image: none:latest",
                "DELETE;/images/none;404;No such image: none",
                "POST;/images/none/tag?repo=a;404;No such image: none:latest",
                "POST;/images/busybox/tag?repo=UPPER;400;lowercase",
                "POST;/images/busybox/tag?repo=sha256&tag=a;400;refusing to create an ambiguous tag",
                "POST;/images/busybox/tag?repo=docker.io/library/sha256&tag=a;400;refusing to create an ambiguous tag",
                "POST;/images/busybox/tag?repo=a&tag=b@c;400;invalid",
                "POST;/images/create;400;fromImage",
                "POST;/images/create?fromImage=UPPER;400;lowercase",
                "POST;/images/create?fromImage=a&platform=a%2Fb%2Fc%2Fd%2Fe;400;platform",
                "POST;/images/create?fromSrc=http%3A%2F%2F127.0.0.1%3A1%2Fb;500;failed to GET http://127.0.0.1:1/b",
                "POST;/commit;400;no container is named",
                "POST;/commit?container=none;404;No such container: none",
                "POST;/commit?container=web&repo=UPPER;400;lowercase",
                "POST;/commit?container=web&changes=FROM+a;400;FROM is not a valid change command",
                "GET;/networks/none;404;network none not found",
                "GET;/networks/bridge?verbose=x;400;invalid value for verbose: x",
                "DELETE;/networks/none;404;network none not found",
                "GET;/volumes/none;404;get none: no such volume",
                "DELETE;/volumes/none;404;get none: no such volume",
                "GET;/distribution/UPPER/json;400;lowercase",
                // what there is not
                "GET;/images/search?term=a;501;is not served",
                "POST;/session;400;needs an id in the header",
                "POST;/grpc;400;send Connection: Upgrade and Upgrade: h2c",
                "GET;/nodes;503;This node is not a swarm manager. Use \"docker swarm init\"",
                "GET;/services/a/logs;503;This node is not a swarm manager.",
                "POST;/swarm/init;501;forms no swarm",
                "POST;/swarm/leave;503;This node is not part of a swarm",
                "GET;/plugins/a/json;404;plugin \"a\" not found",
                "POST;/plugins/pull;501;are not served",
                "DELETE;/containers/web/checkpoints/a;501;checkpoints"
            })
    void aRequestThatMakesNoSenseIsTold(String method, String uri, int status, String message) throws IOException {
        assertRefused(bare(method, uri), status, message);
    }

    @ParameterizedTest
    @CsvSource({
        "none, An image does not exist locally with the tag: none",
        "none:1, An image does not exist locally with the tag: none",
        "busybox:none, tag does not exist: busybox:none"
    })
    void aPushOfWhatIsNotHereIsToldInTheStream(String name, String message) throws IOException {
        Line.Reply reply = bare("POST", "/images/" + name + "/push");

        assertThat(reply.status()).isEqualTo(200);
        assertThat(reply.text())
                .startsWith("{\"status\":\"The push refers to repository [docker.io/library/")
                .contains("\"error\":\"" + message + "\"");
    }

    @ParameterizedTest(name = "POST {0} {1}")
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '`',
            value = {
                "/containers/create;{\"Image\":;400;invalid JSON",
                "/containers/create;[];400;invalid JSON",
                "/containers/create;{} {};400;unexpected content after JSON",
                "/containers/none/exec;{invalid;400;invalid JSON: invalid character 'i' looking for beginning of object key",
                "/containers/none/update;{invalid;400;invalid JSON: invalid character 'i'",
                "/exec/none/start;{invalid;400;invalid JSON: invalid character 'i'",
                "/commit;{invalid;400;invalid JSON: invalid character 'i'",
                "/v1.43/containers/create;{\"Image\":\"busybox\",\"NetworkingConfig\":{\"EndpointsConfig\":{\"a\":{},\"b\":{}}}};"
                        + "400;Container cannot be created with multiple network endpoints: a, b",
                "/containers/create;{\"Image\":7};400;Image",
                "/containers/create;{\"Image\":\"none\"};404;No such image: none:latest",
                "/containers/create?name=a/b;{\"Image\":\"busybox\"};400;a/b",
                "/containers/create?name=web;{\"Image\":\"busybox\"};409;Conflict. The container name \"/web\" is already in use",
                "/containers/create;{\"Image\":\"busybox\",\"HostConfig\":{\"Memory\":1}};400;6MB",
                "/containers/web/exec;{\"Cmd\":[]};400;No exec command specified",
                "/containers/web/exec;{\"Cmd\":[\"a\"]};409;is not running",
                "/networks/create;{};400;name",
                "/networks/create;{\"Name\":\"a\",\"ConfigOnly\":true,\"Scope\":\"local\"};403;network specific fields",
                "/networks/create;{\"Name\":\"a\",\"ConfigOnly\":true,\"ConfigFrom\":{\"Network\":\"b\"}};403;depend",
                "/networks/create;{\"Name\":\"a\",\"ConfigFrom\":{\"Network\":\"bridge\"}};404;\"bridge\" does not exist",
                "/networks/create;{\"Name\":\"host\"};403;host",
                "/networks/create;{\"Name\":\"a\",\"Driver\":\"nope\"};404;nope",
                "/networks/create;{\"Name\":\"a\",\"IPAM\":{\"Config\":[{\"Subnet\":\"nope\"}]}};400;nope",
                "/networks/create;{\"Name\":\"a\",\"IPAM\":{\"Config\":[{\"Gateway\":7}]}};400;Gateway",
                "/networks/create;{\"Name\":\"a\",\"IPAM\":{\"Config\":[{\"Gateway\":\"10.1.0.1\"}]}};400;need a subnet",
                "/containers/web/start;{\"Binds\":[]};400;starting container with non-empty request body was deprecated",
                "/containers/create;{\"Image\":\"busybox\",\"MacAddress\":\"02:00:00:00:00:01\",\"HostConfig\":"
                        + "{\"NetworkMode\":\"other\"},\"NetworkingConfig\":{\"EndpointsConfig\":{\"bridge\":{}}}};"
                        + "400;HostConfig.NetworkMode must match the identity of a network",
                "/containers/create;{\"Image\":\"busybox\",\"MacAddress\":\"02:00:00:00:00:01\",\"NetworkingConfig\":"
                        + "{\"EndpointsConfig\":{\"bridge\":{\"MacAddress\":\"02:00:00:00:00:02\"}}}};"
                        + "400;must match the endpoint-specific MAC address",
                "/v1.43/containers/create;{\"Image\":\"busybox\",\"MacAddress\":\"02:00:00:00:00:01\",\"HostConfig\":"
                        + "{\"NetworkMode\":\"host\"}};400;mac-address and the network mode",
                "/containers/web/update;{\"RestartPolicy\":{\"MaximumRetryCount\":\"ten\"}};400;MaximumRetryCount",
                "/containers/web/update;{\"RestartPolicy\":{\"MaximumRetryCount\":1}};400;on-failure",
                "/networks/create;{\"Name\":\"a\",\"EnableIPv4\":false};400;IPv4 or IPv6 must be enabled",
                "/volumes/create;{\"Name\":\"a\"};400;too short",
                "/volumes/create;{\"Name\":\"a/b\"};400;includes invalid characters",
                "/volumes/create;{\"Name\":[]};400;Name",
                "/volumes/create;{\"Name\":\"ab\",\"ClusterVolumeSpec\":{}};503;This node is not a swarm manager",
                "/auth;{\"serveraddress\":;400;invalid JSON",
                "/auth;{\"serveraddress\":\"a b\"};400;invalid registry address"
            })
    void aBodyThatMakesNoSenseIsTold(String uri, String body, int status, String message) throws IOException {
        assertRefused(post(uri, body), status, message);
    }

    @Test
    void nothingIsHalfMade() throws IOException {
        var before = agent.host();
        post("/containers/create?name=a/b", "{\"Image\":\"busybox\"}");
        post("/volumes/create", "{\"Name\":\"a/b\"}");
        post("/networks/create", "{\"Name\":\"a\",\"IPAM\":{\"Config\":[{\"Subnet\":\"nope\"}]}}");
        assertThat(agent.host()).isEqualTo(before);
    }

    @Test
    void aFormInTheBodyGoesBeforeTheQuery() throws IOException {
        try (Line line = Line.to(socket)) {
            line.send("POST /containers/web/restart?signal=TERM HTTP/1.1\r\nHost: docker\r\n"
                    + "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 11\r\n\r\nsignal=NOPE");
            assertRefused(line.reply(), 400, "Cannot restart container web: invalid signal: NOPE");
        }
    }

    @Test
    void anotherContentTypeIsRefused() throws IOException {
        try (Line line = Line.to(socket)) {
            line.send("POST /containers/create HTTP/1.1\r\nHost: docker\r\nContent-Type: text/plain\r\n"
                    + "Content-Length: 2\r\n\r\n{}");
            assertRefused(
                    line.reply(), 400, "unsupported Content-Type header (text/plain): must be 'application/json'");
        }
    }

    @Test
    void aBodyThatIsTooLargeIsRefusedBeforeItIsAllHere() throws IOException {
        try (Line line = Line.to(socket)) {
            line.send("POST /containers/create HTTP/1.1\r\nHost: docker\r\nContent-Type: application/json\r\n"
                    + "Content-Length: 90000000\r\n\r\n");
            byte[] piece = new byte[1 << 20];
            for (int i = 0; i < 9; i++) {
                line.send(piece);
            }
            assertRefused(line.reply(), 413, "larger than the limit");
        }
    }

    @Test
    void deepNestingIsRefused() throws IOException {
        assertRefused(post("/containers/create", "{\"a\":" + "[".repeat(5000)), 400, "invalid JSON");
    }

    @Test
    void anUnservedUploadIsAnsweredWithoutReadingIt() throws IOException {
        try (Line line = Line.to(socket)) {
            line.send("POST /plugins/create?name=a HTTP/1.1\r\nHost: docker\r\nContent-Type: application/x-tar\r\n"
                    + "Transfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n");
            assertRefused(line.reply(), 501, "plugins");
        }
    }

    @Test
    void infoTellsWhatClientsReadAtTheirStart() throws IOException {
        var info = Json.parse(bare("GET", "/info").body());
        assertThat(info.path("ServerVersion").asText()).matches("[0-9]+\\.[0-9]+\\.[0-9]+");
        assertThat(info.path("Containers").asInt()).isEqualTo(1);
        assertThat(info.path("ContainersStopped").asInt()).isEqualTo(1);
        assertThat(info.path("Images").asInt()).isEqualTo(1);
        assertThat(info.path("Driver").asText()).isEqualTo("overlay");
        assertThat(info.path("MemTotal").asLong()).isPositive();
        assertThat(info.path("Labels").isArray()).isTrue();
        assertThat(info.path("Swarm").path("LocalNodeState").asText()).isEqualTo("inactive");
        assertThat(info.path("RegistryConfig")
                        .path("InsecureRegistryCIDRs")
                        .get(0)
                        .asText())
                .isEqualTo("127.0.0.0/8");
        assertThat(info.path("RegistryConfig")
                        .path("IndexConfigs")
                        .path("reg.test:5000")
                        .path("Secure")
                        .asBoolean())
                .isFalse();
    }
}
