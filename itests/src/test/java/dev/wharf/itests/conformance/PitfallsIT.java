package dev.wharf.itests.conformance;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.daemon.Outcome;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** What clients rely on and specifications leave out, where nothing else here would notice. */
@ExtendWith(SharedAgent.class)
@Timeout(120)
class PitfallsIT {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Docker docker;
    private final Daemon daemon;

    PitfallsIT(Daemon daemon) {
        this.daemon = daemon;
        docker = new Docker(daemon);
    }

    private JsonNode get(String path) throws Exception {
        return JSON.readTree(daemon.curl(path).outOrThrow());
    }

    /** The status and the body of a request, whatever its end. */
    private String tried(String method, String path, String... options) throws Exception {
        List<String> all = new ArrayList<>(List.of("-X", method, "--write-out", " %{http_code}"));
        all.addAll(List.of(options));
        return daemon.curl(path, all.toArray(String[]::new)).out();
    }

    private String create(String name, String json) throws Exception {
        return JSON.readTree(daemon.curl(
                                "/containers/create?name=" + name, "-H", "Content-Type: application/json", "-d", json)
                        .outOrThrow())
                .path("Id")
                .textValue();
    }

    // ---- the socket

    @Test
    void everyAnswerTellsWhoServesErrorsToo() throws Exception {
        for (String path : List.of("/_ping", "/v1.44/containers/json", "/containers/nobody/json", "/nowhere")) {
            try (Wire wire = Wire.to(daemon).ask("GET", path)) {
                assertThat(wire.head())
                        .as(path)
                        .contains("\r\nServer: Docker/", "\r\nApi-Version: 1.", "\r\nOstype: linux\r\n")
                        .contains("\r\nDocker-Experimental: false\r\n");
            }
        }
    }

    @Test
    void filtersComeInTwoShapesAndKeysNobodyKnowsAreRefused() throws Exception {
        String id = create("sifted", "{\"Image\":\"busybox\",\"Cmd\":[\"true\"],\"Labels\":{\"a\":\"1\",\"b\":\"2\"}}");
        for (String shape : List.of("{\"label\":[\"a=1\",\"b=2\"]}", "{\"label\":{\"a=1\":true,\"b=2\":true}}")) {
            JsonNode found = get("/containers/json?all=1&filters=" + encoded(shape));
            assertThat(found).hasSize(1);
            assertThat(found.get(0).path("Id").textValue()).isEqualTo(id);
        }
        assertThat(get("/containers/json?all=1&filters=" + encoded("{\"label\":[\"a=1\",\"b=3\"]}")))
                .isEmpty();
        assertThat(tried("GET", "/containers/json?filters=" + encoded("{\"colour\":[\"red\"]}")))
                .endsWith(" 400");
    }

    private static String encoded(String text) {
        return java.net.URLEncoder.encode(text, UTF_8);
    }

    @Test
    void whatIsEmptyIsAListAndWhatNobodySaidIsNull() throws Exception {
        JsonNode made = JSON.readTree(daemon.curl(
                        "/containers/create?name=plain",
                        "-H",
                        "Content-Type: application/json",
                        "-d",
                        "{\"Image\":\"busybox\",\"Cmd\":[\"true\"],\"HostConfig\":{\"MaskedPaths\":[],\"ReadonlyPaths\":null}}")
                .outOrThrow());
        assertThat(made.path("Warnings").isArray()).isTrue();
        JsonNode host = get("/containers/plain/json").path("HostConfig");
        assertThat(host.path("MaskedPaths")).isEmpty();
        assertThat(host.path("ReadonlyPaths")).isNotEmpty();
        assertThat(get("/volumes").path("Volumes").isArray()).isTrue();
        assertThat(daemon.curl("/containers/json?filters=" + encoded("{\"name\":[\"nobody\"]}"))
                        .outOrThrow())
                .isEqualToIgnoringNewLines("[]");
    }

    @Test
    void aPostNeedsNeitherABodyNorAType() throws Exception {
        create("bare", "{\"Image\":\"busybox\",\"Cmd\":[\"sleep\",\"100\"]}");
        for (String expected : List.of("204", "304")) {
            try (Wire wire = Wire.to(daemon).ask("POST", "/v1.30/containers/bare/start", "Content-Length: 0")) {
                assertThat(wire.head()).startsWith("HTTP/1.1 " + expected);
            }
        }
        assertThat(tried("POST", "/containers/bare/stop?t=0")).endsWith("204");
        assertThat(tried("POST", "/containers/bare/stop?t=0")).endsWith("304");
    }

    @Test
    void answersAreThoseOfTheVersionThatIsAskedFor() throws Exception {
        docker.docker("network", "create", "aged");
        docker.docker("create", "--name", "unborn", "--network", "aged", "--network-alias", "it", "busybox");
        assertThat(get("/v1.44/containers/unborn/json").at("/NetworkSettings/Networks/aged/Aliases"))
                .as("Compose 1.x joins a network anew, with links and all, until the short id is there")
                .hasSize(1);
        String id = docker.background("--name aged --network aged --label l=1", "sleep 100");
        assertThat(get("/v1.43/images/busybox/json").has("VirtualSize")).isTrue();
        assertThat(get("/v1.44/images/busybox/json").has("VirtualSize")).isFalse();
        docker.docker("tag", "busybox", "aged-image");
        JsonNode image = get("/v1.42/images/json?filters=" + encoded("{\"reference\":[\"aged-image\"]}"))
                .get(0);
        docker.docker("rmi", "aged-image");
        assertThat(image.path("RepoTags").toString()).contains("aged-image:latest");
        assertThat(image.path("RepoDigests").toString())
                .as("an image with a name has something")
                .doesNotContain("<none>");
        String network = "/NetworkSettings/Networks/aged";
        assertThat(get("/v1.44/containers/aged/json").at(network + "/Aliases").toString())
                .contains(id.substring(0, 12));
        assertThat(get("/v1.45/containers/aged/json").at(network + "/Aliases").toString())
                .doesNotContain(id.substring(0, 12));
        assertThat(get("/v1.47/containers/aged/json").at(network).has("GwPriority"))
                .isTrue();
        JsonNode event =
                JSON.readTree(daemon.curl("/v1.41/events?since=1&until=" + (System.currentTimeMillis() / 1000 + 1)
                                + "&filters=" + encoded("{\"container\":[\"aged\"],\"event\":[\"start\"]}"))
                        .outOrThrow()
                        .lines()
                        .reduce((a, b) -> b)
                        .orElseThrow());
        assertThat(event.path("status").textValue()).isEqualTo("start");
        assertThat(event.path("id").textValue()).isEqualTo(id);
        assertThat(event.path("from").textValue()).isEqualTo("busybox");
        assertThat(event.path("Actor").path("Attributes").path("l").textValue()).isEqualTo("1");
        assertThat(event.path("Actor").path("Attributes").path("name").textValue())
                .isEqualTo("aged");
    }

    // ---- hijacked streams

    @Test
    void aStreamIsCalledWhatClientsOfEachAgeCallIt() throws Exception {
        create("loud", "{\"Image\":\"busybox\",\"Cmd\":[\"true\"],\"OpenStdin\":true}");
        create("screen", "{\"Image\":\"busybox\",\"Cmd\":[\"true\"],\"Tty\":true}");
        String raw = "Content-Type: application/vnd.docker.raw-stream\r\n";
        String[] upgrade = {"Connection: Upgrade", "Upgrade: tcp", "Content-Length: 0"};
        assertThat(attachHead("1.41", "loud", upgrade)).startsWith("HTTP/1.1 101 UPGRADED\r\n" + raw);
        assertThat(attachHead("1.42", "loud", upgrade))
                .startsWith("HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\n")
                .contains("\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n");
        assertThat(attachHead("1.42", "screen", upgrade)).startsWith("HTTP/1.1 101 UPGRADED\r\n" + raw);
        assertThat(attachHead("1.41", "loud", "Content-Length: 0"))
                .startsWith("HTTP/1.1 200 OK\r\n")
                .contains("\r\n" + raw)
                .doesNotContain("Content-Length", "chunked");
    }

    private String attachHead(String version, String name, String... headers) throws Exception {
        try (Wire wire = Wire.to(daemon)
                .ask("POST", "/v" + version + "/containers/" + name + "/attach?stream=1&stdout=1", headers)) {
            return wire.head();
        }
    }

    @Test
    void inputEndsAloneAndOutputGoesOnToItsEnd() throws Exception {
        create(
                "echoing",
                "{\"Image\":\"busybox\",\"Cmd\":[\"sh\",\"-c\",\"cat; sleep 0.3; echo done; echo err >&2\"],"
                        + "\"OpenStdin\":true,\"StdinOnce\":true}");
        try (Wire wire = Wire.to(daemon)
                .send("POST /v1.43/containers/echoing/attach?stream=1&stdin=1&stdout=1&stderr=1 HTTP/1.1\r\nHost: x\r\n"
                        + "Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\nbehind the head\n")) {
            assertThat(wire.head()).startsWith("HTTP/1.1 101");
            daemon.curl("/containers/echoing/start", "-X", "POST").outOrThrow();
            wire.send("and later\n").endInput();
            byte[] frames = wire.rest();
            assertThat(stream(frames, 1)).isEqualTo("behind the head\nand later\ndone\n");
            assertThat(stream(frames, 2)).isEqualTo("err\n");
        }
        assertThat(get("/containers/echoing/json").at("/State/ExitCode").intValue())
                .isZero();
    }

    @Test
    void whoseOutputEndedHasEnded() throws Exception {
        String quiet = "exec >&- 2>&-; sleep 0.3; exit 3";
        for (String command : List.of("exit 3", "exit 3", "exit 3", "exit 3", "exit 3", "exit 3", quiet)) {
            create("brief", "{\"Image\":\"busybox\",\"Cmd\":[\"sh\",\"-c\",\"" + command + "\"]}");
            try (Wire wire = Wire.to(daemon)
                    .ask(
                            "POST",
                            "/v1.43/containers/brief/attach?stream=1&stdout=1&stderr=1",
                            "Connection: Upgrade",
                            "Upgrade: tcp",
                            "Content-Length: 0")) {
                wire.head();
                daemon.curl("/containers/brief/start", "-X", "POST").outOrThrow();
                wire.rest();
            }
            JsonNode state = get("/containers/brief/json").path("State");
            assertThat(state.path("Status").textValue()).as(command).isEqualTo("exited");
            assertThat(state.path("ExitCode").intValue()).isEqualTo(3);
            docker.docker("rm", "brief");
        }
    }

    /** What the frames of one stream hold together: a byte for the stream, three zeros, a length, and so many bytes. */
    private static String stream(byte[] frames, int which) {
        ByteBuffer in = ByteBuffer.wrap(frames);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        while (in.hasRemaining()) {
            int number = in.getInt() >>> 24;
            byte[] text = new byte[in.getInt()];
            in.get(text);
            if (number == which) out.writeBytes(text);
        }
        return out.toString(UTF_8);
    }

    @Test
    void storedOutputIsReplayedBeforeWhatComes() throws Exception {
        docker.background("--name twice -i", "echo one; read x; echo two");
        docker.awaitLog("twice", "one");
        try (Wire wire = Wire.to(daemon)
                .ask(
                        "POST",
                        "/v1.43/containers/twice/attach?logs=1&stream=1&stdin=1&stdout=1",
                        "Connection: Upgrade",
                        "Upgrade: tcp",
                        "Content-Length: 0")) {
            wire.head();
            wire.send("\n");
            assertThat(stream(wire.rest(), 1)).isEqualTo("one\ntwo\n");
        }
        try (Wire wire = Wire.to(daemon)
                .ask("POST", "/v1.43/containers/twice/attach?logs=1&stream=0&stdout=1", "Content-Length: 0")) {
            wire.head();
            assertThat(stream(wire.rest(), 1)).isEqualTo("one\ntwo\n");
        }
    }

    @Test
    void whatIsPausedOrOverTakesNoCommandAndOneRunsOnce() throws Exception {
        docker.background("--name busy", "sleep 100");
        String exec = exec("busy", "exit 3");
        assertThat(tried(
                        "POST",
                        "/exec/" + exec + "/start",
                        "-d",
                        "{\"Detach\":true}",
                        "-H",
                        "Content-Type: application/json"))
                .isEqualTo(" 200");
        JsonNode ended = get("/exec/" + exec + "/json");
        for (int i = 0; i < 600 && ended.path("Running").booleanValue(); i++) {
            Thread.sleep(50);
            ended = get("/exec/" + exec + "/json");
        }
        assertThat(ended.path("ExitCode").intValue()).isEqualTo(3);
        assertThat(exec).matches("[0-9a-f]{64}");
        assertThat(tried("POST", "/exec/" + exec + "/start", "-d", "{}", "-H", "Content-Type: application/json"))
                .endsWith(" 409");
        docker.docker("pause", "busy");
        assertThat(tried(
                        "POST",
                        "/containers/busy/exec",
                        "-d",
                        "{\"Cmd\":[\"true\"]}",
                        "-H",
                        "Content-Type: application/json"))
                .contains("paused")
                .endsWith(" 409");
        assertThat(tried("POST", "/containers/busy/attach?stream=1&stdout=1")).endsWith(" 409");
        docker.docker("unpause", "busy");
        docker.docker("kill", "busy");
        assertThat(tried(
                        "POST",
                        "/containers/busy/exec",
                        "-d",
                        "{\"Cmd\":[\"true\"]}",
                        "-H",
                        "Content-Type: application/json"))
                .contains("is not running")
                .endsWith(" 409");
        assertThat(tried("POST", "/containers/busy/kill"))
                .contains("is not running")
                .endsWith(" 409");
    }

    private String exec(String container, String script) throws Exception {
        return JSON.readTree(daemon.curl(
                                "/containers/" + container + "/exec",
                                "-H",
                                "Content-Type: application/json",
                                "-d",
                                "{\"Cmd\":[\"sh\",\"-c\",\"" + script + "\"],\"AttachStdout\":true}")
                        .outOrThrow())
                .path("Id")
                .textValue();
    }

    @Test
    void aTerminalHasItsSizeWhenTheCommandBegins() throws Exception {
        docker.background("--name sized", "sleep 100");
        String exec = JSON.readTree(daemon.curl(
                                "/v1.44/containers/sized/exec",
                                "-H",
                                "Content-Type: application/json",
                                "-d",
                                "{\"Cmd\":[\"sh\",\"-c\",\"" + Docker.TERMINAL_SIZE
                                        + "\"],\"AttachStdout\":true,\"Tty\":true,\"ConsoleSize\":[24,80]}")
                        .outOrThrow())
                .path("Id")
                .textValue();
        String body = "{\"Tty\":true,\"ConsoleSize\":[33,111]}";
        try (Wire wire = Wire.to(daemon)
                .send("POST /v1.44/exec/" + exec
                        + "/start HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
                        + "Content-Type: application/json\r\nContent-Length: " + body.length() + "\r\n\r\n" + body)) {
            wire.head();
            assertThat(new String(wire.rest(), UTF_8)).isEqualTo("33 111\r\n");
        }
    }

    // ---- waiting

    @Test
    void aStopBetweenTwoRunsIsTheEndThatIsWaitedFor() throws Exception {
        create(
                "failing",
                "{\"Image\":\"busybox\",\"Cmd\":[\"sh\",\"-c\",\"exit 3\"],"
                        + "\"HostConfig\":{\"RestartPolicy\":{\"Name\":\"always\"}}}");
        daemon.curl("/containers/failing/start", "-X", "POST").outOrThrow();
        // The pause before the sixth run is three seconds long.
        while (get("/containers/failing/json").path("RestartCount").intValue() < 5
                || !get("/containers/failing/json")
                        .path("State")
                        .path("Restarting")
                        .booleanValue()) {
            Thread.sleep(50);
        }
        try (Wire wire = Wire.to(daemon).ask("POST", "/v1.43/containers/failing/wait", "Content-Length: 0")) {
            wire.head();
            daemon.curl("/containers/failing/stop", "-X", "POST").outOrThrow();
            wire.line();
            assertThat(JSON.readTree(wire.line()).path("StatusCode").intValue()).isEqualTo(3);
        }
    }

    @Test
    void aWaitIsAnsweredAtOnceAndToldTheEndLater() throws Exception {
        create("awaited", "{\"Image\":\"busybox\",\"Cmd\":[\"sh\",\"-c\",\"exit 7\"]}");
        try (Wire wire = Wire.to(daemon)
                .ask("POST", "/v1.43/containers/awaited/wait?condition=next-exit", "Content-Length: 0")) {
            assertThat(wire.head()).startsWith("HTTP/1.1 200 OK\r\n").contains("Transfer-Encoding: chunked");
            daemon.curl("/containers/awaited/start", "-X", "POST").outOrThrow();
            wire.line();
            assertThat(JSON.readTree(wire.line()).path("StatusCode").intValue()).isEqualTo(7);
        }
        assertThat(JSON.readTree(daemon.curl("/containers/awaited/wait", "-X", "POST")
                                .outOrThrow())
                        .path("StatusCode")
                        .intValue())
                .isEqualTo(7);
        try (Wire wire =
                Wire.to(daemon).ask("POST", "/v1.43/containers/awaited/wait?condition=removed", "Content-Length: 0")) {
            wire.head();
            docker.docker("rm", "awaited");
            wire.line();
            assertThat(JSON.readTree(wire.line()).path("StatusCode").intValue()).isEqualTo(7);
            // The name is free as soon as that is told.
            create("awaited", "{\"Image\":\"busybox\",\"Cmd\":[\"true\"]}");
        }
        assertThat(tried("POST", "/containers/awaited/wait?condition=whenever")).endsWith(" 400");
    }

    @Test
    void aPolicyAndARemovalAtTheEndExcludeEachOther() throws Exception {
        assertThat(tried(
                        "POST",
                        "/containers/create",
                        "-H",
                        "Content-Type: application/json",
                        "-d",
                        "{\"Image\":\"busybox\",\"Cmd\":[\"true\"],\"HostConfig\":{\"AutoRemove\":true,"
                                + "\"RestartPolicy\":{\"Name\":\"always\"}}}"))
                .endsWith(" 400");
    }

    @Test
    void signalsAreSpelledInManyWays() throws Exception {
        docker.background("--name hearing", "trap 'echo heard' USR1; while true; do sleep 0.05; done");
        docker.awaitLog("hearing", "");
        Thread.sleep(200);
        for (String signal : List.of("SIGUSR1", "usr1", "10")) {
            assertThat(tried("POST", "/containers/hearing/kill?signal=" + signal))
                    .endsWith("204");
            Thread.sleep(150);
        }
        docker.awaitLog("hearing", "heard\nheard\nheard");
        assertThat(tried("POST", "/containers/hearing/kill?signal=SIGNONE")).endsWith(" 400");
    }

    @Test
    void theStateOfAPausedContainerIsRunningToo() throws Exception {
        docker.background("--name held", "sleep 100");
        docker.docker("pause", "held");
        JsonNode state = get("/containers/held/json").path("State");
        assertThat(state.path("Running").booleanValue() && state.path("Paused").booleanValue())
                .isTrue();
        assertThat(state.path("FinishedAt").textValue()).isEqualTo("0001-01-01T00:00:00Z");
        assertThat(get("/containers/json").get(0).path("Status").textValue()).matches("Up .* \\(Paused\\)");
        docker.docker("unpause", "held");
    }

    // ---- events and logs

    @Test
    void whoListensHasTheHeadBeforeAnythingHappens() throws Exception {
        docker.background("--name silent", "sleep 100");
        try (Wire events = Wire.to(daemon)
                        .ask(
                                "GET",
                                "/v1.43/events?filters="
                                        + encoded("{\"container\":[\"silent\"],\"event\":[\"health_status\"]}"));
                Wire logs = Wire.to(daemon).ask("GET", "/v1.43/containers/silent/logs?follow=1&stdout=1")) {
            assertThat(events.head()).contains("chunked").contains("\r\nContent-Type: application/json\r\n");
            assertThat(logs.head()).contains("chunked");
        }
    }

    @Test
    void anEventOfHealthIsFoundByTheBeginningOfItsName() throws Exception {
        docker.background(
                "--name well --health-cmd true --health-interval 100ms --health-start-interval 100ms", "sleep 100");
        for (int i = 0;
                i < 100 && !docker.inspect("well", "{{.State.Health.Status}}").equals("healthy");
                i++) {
            Thread.sleep(50);
        }
        String told = daemon.curl("/events?since=1&until=" + (System.currentTimeMillis() / 1000 + 1) + "&filters="
                        + encoded("{\"container\":[\"well\"],\"event\":[\"health_status\"]}"))
                .outOrThrow();
        assertThat(told).contains("\"health_status: healthy\"");
        assertThat(docker.docker(
                        "events",
                        "--since",
                        "1",
                        "--until",
                        "0s",
                        "--filter",
                        "event=exec_start",
                        "--format",
                        "{{.Action}}"))
                .contains("exec_start: /bin/sh -c true");
    }

    @Test
    void logsAreReadAsTheyAreAskedFor() throws Exception {
        docker.docker(
                "run",
                "--name",
                "kept",
                "--label",
                "who=a b",
                "--env",
                "WHERE=here",
                "--log-opt",
                "labels=who",
                "--log-opt",
                "env=WHERE",
                "--log-opt",
                "tag={{.ImageName}}/{{.Name}}",
                "busybox",
                "sh",
                "-c",
                "echo one; echo two");
        assertThat(tried("GET", "/containers/kept/logs")).endsWith(" 400");
        assertThat(docker.docker("logs", "--tail", "1", "kept")).isEqualTo("two");
        assertThat(tried("GET", "/containers/kept/logs?stdout=1&tail=nonsense")).contains("one", "two");
        assertThat(docker.docker("logs", "--timestamps", "kept").lines())
                .allMatch(line -> line.matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{9}Z (one|two)"));
        assertThat(tried("GET", "/containers/kept/logs?stdout=1&details=1&tail=1"))
                .contains("WHERE=here,tag=busybox%2Fkept,who=a+b two");
        assertThat(docker.docker("logs", "--details", "kept")).contains("WHERE=here", "one");
    }

    // ---- images

    @Test
    void theLastLineOfAPullIsItsVerdictAndWhatCannotBeReadOfCredentialsIsNoHindrance() throws Exception {
        String told = daemon.curl(
                        "/images/create?fromImage=layout.local/busybox&tag=latest",
                        "-X",
                        "POST",
                        "-H",
                        "X-Registry-Auth: !no base64!")
                .outOrThrow();
        String last = told.strip().substring(told.strip().lastIndexOf('\n') + 1);
        assertThat(JSON.readTree(last).path("status").textValue())
                .containsPattern("Image is up to date|Downloaded newer image");
        assertThat(told).contains("\r\n");
        assertThat(tried(
                        "POST",
                        "/containers/create",
                        "-H",
                        "Content-Type: application/json",
                        "-d",
                        "{\"Image\":\"nowhere/at-all:1\",\"Cmd\":[\"true\"]}"))
                .contains("No such image: nowhere/at-all:1")
                .endsWith(" 404");
        assertThat(tried("POST", "/images/create?fromImage=127.0.0.1:1/nobody&tag=1"))
                .as("Testcontainers tries again after 500 alone")
                .contains("cannot reach registry")
                .endsWith(" 500");
    }

    @Test
    void anImageIsFoundByNameIdAndBeginningOfItsId() throws Exception {
        String id = docker.inspect("busybox", "{{.Id}}");
        String hex = id.substring(id.indexOf(':') + 1);
        for (String name : List.of(
                "busybox",
                "busybox:latest",
                "docker.io/library/busybox",
                "docker.io%2Flibrary%2Fbusybox:latest",
                id,
                hex,
                hex.substring(0, 12))) {
            assertThat(get("/images/" + name + "/json").path("Id").textValue())
                    .as(name)
                    .isEqualTo(id);
        }
        assertThat(tried("GET", "/images/BusyBox/json")).endsWith(" 400");
    }

    @Test
    void anotherPlatformIsNotTakenForTheOneThatIsHere() throws Exception {
        assertThat(tried(
                        "POST",
                        "/containers/create?platform=linux/s390x",
                        "-H",
                        "Content-Type: application/json",
                        "-d",
                        "{\"Image\":\"busybox\",\"Cmd\":[\"true\"]}"))
                .contains("linux/s390x")
                .endsWith(" 404");
    }

    // ---- containers

    @Test
    void pathsAreDescribedInTheWordsOfGo() throws Exception {
        create("paths", "{\"Image\":\"busybox\",\"Cmd\":[\"true\"]}");
        assertThat(stat("paths", "/etc").path("mode").longValue() >>> 31).isEqualTo(1);
        JsonNode file = stat("paths", "/bin/busybox");
        assertThat(file.path("mode").longValue()).isEqualTo(0755);
        assertThat(file.path("name").textValue()).isEqualTo("busybox");
        try (Wire wire = Wire.to(daemon)
                .ask(
                        "GET",
                        "/containers/paths/archive?path=/bin/busybox",
                        "Accept-Encoding: gzip",
                        "Connection: close")) {
            assertThat(wire.head()).contains("X-Docker-Container-Path-Stat: ");
        }
        assertThat(tried("PUT", "/containers/paths/archive?path=/bin/busybox", "-T", emptyTar()))
                .contains("not a directory")
                .endsWith(" 400");
    }

    private static String emptyTar() throws Exception {
        Path tar = Path.of(System.getProperty("java.io.tmpdir"))
                .resolve("wharf-empty-" + ProcessHandle.current().pid());
        java.nio.file.Files.write(tar, new byte[1024]);
        tar.toFile().deleteOnExit();
        return tar.toString();
    }

    private JsonNode stat(String container, String path) throws Exception {
        try (Wire wire = Wire.to(daemon).ask("HEAD", "/containers/" + container + "/archive?path=" + path)) {
            Matcher header =
                    Pattern.compile("X-Docker-Container-Path-Stat: (\\S+)").matcher(wire.head());
            assertThat(header.find()).isTrue();
            return JSON.readTree(Base64.getDecoder().decode(header.group(1)));
        }
    }

    @Test
    void countersOfWhatDoesNotRunComeAtOnce() throws Exception {
        create("still", "{\"Image\":\"busybox\",\"Cmd\":[\"true\"]}");
        assertThat(get("/containers/still/stats?stream=false").path("id").textValue())
                .isEqualTo(docker.inspect("still", "{{.Id}}"));
    }

    @Test
    void whatIsRemovedTwiceIsNotThere() throws Exception {
        create("gone", "{\"Image\":\"busybox\",\"Cmd\":[\"sleep\",\"100\"]}");
        daemon.curl("/containers/gone/start", "-X", "POST").outOrThrow();
        List<Thread> removers = new ArrayList<>();
        List<String> ends = java.util.Collections.synchronizedList(new ArrayList<>());
        for (int i = 0; i < 4; i++) {
            Thread remover = new Thread(() -> {
                try {
                    String told = tried("DELETE", "/containers/gone?force=1&v=1");
                    ends.add(told.substring(told.length() - 3));
                } catch (Exception e) {
                    ends.add(e.toString());
                }
            });
            remover.start();
            removers.add(remover);
        }
        for (Thread remover : removers) remover.join();
        assertThat(ends).contains("204").isSubsetOf("204", "404", "409");
        assertThat(tried("DELETE", "/containers/gone?force=1")).endsWith(" 404");
    }

    @Test
    void anUpdateKeepsWhatItDoesNotName() throws Exception {
        docker.background("--name tuned --memory 64m --restart on-failure:3", "sleep 100");
        docker.docker("update", "--cpu-shares", "512", "tuned");
        assertThat(docker.inspect(
                        "tuned",
                        "{{.HostConfig.Memory}} {{.HostConfig.CpuShares}} {{.HostConfig.RestartPolicy.Name}} "
                                + "{{.HostConfig.RestartPolicy.MaximumRetryCount}}"))
                .isEqualTo("67108864 512 on-failure 3");
    }

    @Test
    void aHealthCheckOfTheImageIsInheritedOrSwitchedOff() throws Exception {
        docker.docker("create", "--name", "sickly", "--health-cmd", "true", "busybox", "true");
        docker.docker("commit", "sickly", "sickly:1");
        docker.docker("create", "--name", "heir", "sickly:1");
        docker.docker("create", "--name", "off", "--no-healthcheck", "sickly:1");
        assertThat(docker.inspect("heir", "{{json .Config.Healthcheck.Test}}")).contains("CMD-SHELL");
        docker.docker("start", "off");
        assertThat(get("/containers/off/json").path("State").has("Health")).isFalse();
        docker.docker("rm", "-f", "sickly", "heir", "off");
        docker.docker("rmi", "sickly:1");
    }

    @Test
    void anImageOfAContainerSaysHowThatIsStoppedAndWhereItWorks() throws Exception {
        docker.docker("create", "--name", "mild", "--stop-signal", "QUIT", "-w", "/tmp", "busybox", "true");
        docker.docker("commit", "mild", "mild:1");
        docker.docker("create", "--name", "child", "--stop-signal", "TERM", "-w", "/", "mild:1", "true");
        docker.docker("commit", "child", "mild:2");
        String format = "{{.Config.StopSignal}} {{.Config.WorkingDir}}";
        assertThat(docker.docker("image", "inspect", "-f", format, "mild:1").strip())
                .isEqualTo("SIGQUIT /tmp");
        assertThat(docker.docker("image", "inspect", "-f", format, "mild:2").strip())
                .isEqualTo("SIGTERM /");
        docker.docker("rm", "-f", "mild", "child");
        docker.docker("rmi", "mild:2", "mild:1");
    }

    // ---- links

    @Test
    void aLinkIsALineOfHostsVariablesAndANameMore() throws Exception {
        String db = docker.background("--name db --expose 5432 --expose 7000-7002 -e TOPIC=boats", "sleep 100");
        docker.background("--name web --link db:store-1", "sleep 100");

        String address = docker.inspect("db", "{{.NetworkSettings.IPAddress}}");
        assertThat(docker.docker("exec", "web", "cat", "/etc/hosts"))
                .contains(address + "\tstore-1 " + db.substring(0, 12) + " db");
        List<String> variables = docker.docker("exec", "web", "env").lines().toList();
        assertThat(variables)
                .contains(
                        "STORE_1_NAME=/web/store-1",
                        "STORE_1_PORT=tcp://" + address + ":5432",
                        "STORE_1_PORT_5432_TCP=tcp://" + address + ":5432",
                        "STORE_1_PORT_5432_TCP_ADDR=" + address,
                        "STORE_1_PORT_7000_TCP_START=tcp://" + address + ":7000",
                        "STORE_1_PORT_7000_TCP_PORT_END=7002",
                        "STORE_1_ENV_TOPIC=boats");
        String first = docker.docker("exec", "web", "cat", "/proc/1/environ");
        assertThat(first).contains("STORE_1_NAME=/web/store-1");
        assertThat(docker.inspect("web", "{{.HostConfig.Links}}")).isEqualTo("[/db:/web/store-1]");
        assertThat(docker.docker("ps", "--no-trunc", "--filter", "id=" + db, "--format", "{{.Names}}"))
                .isEqualTo("db,web/store-1");
        assertThat(docker.inspect("web/store-1", "{{.Id}}")).isEqualTo(db);

        docker.docker("rename", "db", "archive");
        assertThat(docker.inspect("web", "{{.HostConfig.Links}}")).isEqualTo("[/archive:/web/store-1]");
        docker.docker("restart", "-t", "0", "archive");
        assertThat(docker.docker("exec", "web", "cat", "/etc/hosts"))
                .contains(docker.inspect("archive", "{{.NetworkSettings.IPAddress}}") + "\tstore-1 ");

        docker.docker("rm", "--link", "web/store-1");
        assertThat(docker.docker("exec", "web", "cat", "/etc/hosts")).doesNotContain("store-1");
        assertThat(docker.inspect("web", "{{.HostConfig.Links}}")).isEqualTo("[]");
        assertThat(docker.inspect("archive", "{{.State.Running}}")).isEqualTo("true");
    }

    @Test
    void aLinkThatCannotBeIsRefusedInDockersWords() throws Exception {
        docker.docker("create", "--name", "db", "busybox", "true");
        Outcome lame = docker.tried("run", "--name", "web", "--link", "db", "busybox", "true");
        assertThat(lame.status()).isEqualTo(125);
        assertThat(lame.err()).contains("Cannot link to a non running container: /db AS /web/db");
        assertThat(docker.tried("create", "--link", "nobody:x", "busybox").err())
                .contains("could not get container for nobody");
        assertThat(docker.tried("create", "--net", "host", "--link", "db", "busybox")
                        .err())
                .contains("can't be used with links");
        assertThat(tried("DELETE", "/containers/db?link=1"))
                .contains("cannot remove the default link name of the container")
                .endsWith(" 500");
        assertThat(docker.tried("rm", "--link", "web/other").err()).contains("No such container: web/other");
    }

    // ---- the host

    @Test
    void thereIsNoSwarmAndNoPluginAndThatIsSaid() throws Exception {
        assertThat(tried("GET", "/services"))
                .contains("This node is not a swarm manager")
                .endsWith(" 503");
        assertThat(daemon.curl("/plugins").outOrThrow()).isEqualToIgnoringNewLines("[]");
        assertThat(get("/info").at("/Swarm/LocalNodeState").textValue()).isEqualTo("inactive");
    }
}
