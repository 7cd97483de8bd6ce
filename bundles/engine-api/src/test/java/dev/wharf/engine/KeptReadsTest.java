package dev.wharf.engine;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.wharf.core.event.ContainerEvent;
import dev.wharf.core.event.ImageEvent;
import dev.wharf.core.state.Container;
import dev.wharf.engine.containers.ContainerRoutes;
import dev.wharf.engine.http.Door;
import dev.wharf.engine.http.Endpoint;
import dev.wharf.engine.http.Line;
import dev.wharf.engine.http.Server;
import dev.wharf.engine.http.Workers;
import dev.wharf.engine.images.ImageRoutes;
import dev.wharf.engine.json.Json;
import dev.wharf.model.InitProcess;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Answers that are kept as bytes: what they tell is always what is so. Everything is asked twice, the second from memory. */
@Timeout(120)
class KeptReadsTest {
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
        server = Server.open(
                List.of(new Endpoint.Unix(socket)),
                EngineApi.router(List.of(
                        new ContainerRoutes(java.time.Duration.ZERO, java.nio.file.Path.of("/nowhere")),
                        new ImageRoutes())),
                door,
                workers);
        post("/containers/create?name=box", "{\"Image\":\"busybox\"}");
        post("/containers/create?name=other", "{\"Image\":\"busybox\"}");
    }

    @AfterEach
    void close() {
        server.close();
        workers.close();
    }

    private void post(String uri, String json) throws IOException {
        try (Line line = Line.to(socket)) {
            Line.Reply reply = line.request("POST", uri, json).reply();
            assertThat(reply.status()).as(reply.text()).isLessThan(300);
        }
    }

    private JsonNode get(String uri) throws IOException {
        try (Line line = Line.to(socket)) {
            byte[] first = line.request("GET", uri).reply(true).body();
            Line.Reply again = line.request("GET", uri).reply(true);
            assertThat(again.status()).as(again.text()).isEqualTo(200);
            assertThat(again.body()).isEqualTo(first);
            return Json.parse(again.body());
        }
    }

    private List<String> names() throws IOException {
        return get("/containers/json?all=1").findValues("Names").stream()
                .map(names -> names.path(0).asText())
                .toList();
    }

    @Test
    void aListTellsOfEveryChangeOfAContainer() throws Exception {
        assertThat(names()).containsExactlyInAnyOrder("/box", "/other");

        post("/containers/box/rename?name=crate", "");

        assertThat(names()).containsExactlyInAnyOrder("/crate", "/other");
    }

    @Test
    void aListInAnOlderVersionIsAnotherList() throws Exception {
        post(
                "/containers/create?name=marked",
                "{\"Image\":\"busybox\",\"HostConfig\":{\"Annotations\":{\"a\":\"b\"}}}");

        assertThat(get("/v1.45/containers/json?all=1").findValue("Annotations")).isNull();
        assertThat(get("/v1.46/containers/json?all=1").findValue("Annotations")).isNotNull();
        assertThat(get("/v1.45/containers/json?all=1").findValue("Annotations")).isNull();
    }

    @Test
    void aListWithoutAContainerThatIsGoneHasThoseThatAreLeft() throws Exception {
        assertThat(names()).hasSize(2);

        agent.happens(new ContainerEvent.Removed(box().id()));

        assertThat(names()).containsExactly("/other");
    }

    @Test
    void aStatusTellsHowLongAgoEachSecondAnew() throws Exception {
        agent.happens(new ContainerEvent.Started(
                box().id(), new InitProcess(1, 1, 1), Instant.now().minusMillis(58_500)));
        assertThat(status()).isIn("Up 58 seconds", "Up 59 seconds");

        Thread.sleep(1_600);

        assertThat(status()).isEqualTo("Up About a minute");
    }

    @Test
    void aListCallsAnImageByItsIdOnceAnotherHasItsName() throws Exception {
        assertThat(imageOfBox()).isEqualTo("busybox");

        agent.happens(new ImageEvent.Untagged(box().spec().image(), "docker.io/library/busybox:latest"));
        assertThat(imageOfBox()).isEqualTo(box().spec().image().value());
        try (Line line = Line.to(socket)) {
            assertThat(line.request("GET", "/containers/json?all=1&filters=%7B%22ancestor%22:%5B%22busybox%22%5D%7D")
                            .reply(true)
                            .text())
                    .endsWith("[]\n");
        }

        agent.happens(new ImageEvent.Tagged(box().spec().image(), "docker.io/library/busybox:latest"));
        assertThat(imageOfBox()).isEqualTo("busybox");
    }

    private String imageOfBox() throws IOException {
        for (JsonNode line : get("/containers/json?all=1")) {
            if (line.path("Names").path(0).asText().equals("/box")) {
                return line.path("Image").asText();
            }
        }
        throw new AssertionError("it is not in the list");
    }

    private Container box() {
        return agent.host().containerNamed("box").orElseThrow();
    }

    private String status() throws IOException {
        try (Line line = Line.to(socket)) {
            Line.Reply reply = line.request("GET", "/containers/json").reply(true);
            return Json.parse(reply.body()).path(0).path("Status").asText();
        }
    }

    @Test
    void detailsTellOfEveryChangeOfAContainer() throws Exception {
        assertThat(get("/containers/box/json").path("Name").asText()).isEqualTo("/box");
        post("/containers/box/rename?name=crate", "");
        assertThat(get("/containers/crate/json").path("Name").asText()).isEqualTo("/crate");

        agent.happens(new ContainerEvent.Started(
                agent.host().containerNamed("crate").orElseThrow().id(), new InitProcess(7, 1, 1), Instant.now()));

        assertThat(get("/containers/crate/json").path("State").path("Pid").asInt())
                .isEqualTo(7);
    }

    @Test
    void theListOfImagesTellsOfEveryName() throws Exception {
        assertThat(get("/images/json").findValue("RepoTags")).hasSize(1);

        post("/images/busybox/tag?repo=box&tag=1", "");

        assertThat(get("/images/json").findValue("RepoTags")).hasSize(2);
    }

    @Test
    void theListOfImagesCountsTheContainersWhereItTellsOfThem() throws Exception {
        assertThat(get("/v1.51/images/json").findValue("Containers").asInt()).isEqualTo(2);

        post("/containers/create?name=third", "{\"Image\":\"busybox\"}");

        assertThat(get("/v1.51/images/json").findValue("Containers").asInt()).isEqualTo(3);
        assertThat(get("/v1.41/images/json").findValue("Containers").asInt()).isEqualTo(-1);
    }
}
