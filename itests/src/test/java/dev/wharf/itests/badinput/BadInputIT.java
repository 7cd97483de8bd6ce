package dev.wharf.itests.badinput;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.itests.conformance.SharedAgent;
import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.daemon.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Wishes that cannot be granted get Docker's status and a message that helps, and leave nothing half made. */
@ExtendWith(SharedAgent.class)
@Timeout(120)
class BadInputIT {
    private static final String BUSYBOX = "{\"Image\":\"busybox\",\"Cmd\":[\"true\"]";

    private final Daemon daemon;

    BadInputIT(Daemon daemon) {
        this.daemon = daemon;
    }

    /** Sends a request and answers its status code and body, parted by a space. */
    private String ask(String method, String path, String body) throws IOException, InterruptedException {
        return daemon.curl(
                        path,
                        "--no-fail",
                        "--no-fail-with-body",
                        "-X",
                        method,
                        "-H",
                        "Content-Type: application/json",
                        "-d",
                        body,
                        "--write-out",
                        "\n%{http_code}")
                .out()
                .replaceFirst("(?s)(.*)\\n(\\d{3})$", "$2 $1")
                .strip();
    }

    private void assertAnswer(String answer, int status, String... words) {
        assertThat(answer).startsWith(status + " {\"message\":\"");
        for (String word : words) {
            assertThat(answer).contains(word);
        }
    }

    @Test
    void anUnknownImageIsNotFoundAndAPullOfItSaysWhy() throws Exception {
        assertAnswer(
                ask("POST", "/containers/create", "{\"Image\":\"no/such:thing\"}"),
                404,
                "No such image: no/such:thing");
        Outcome run = daemon.docker("run", "--rm", "layout.local/nothing", "true");
        assertThat(run.status()).isEqualTo(125);
        assertThat(run.err())
                .contains("Unable to find image 'layout.local/nothing:latest' locally", "layout.local/nothing");
        assertAnswer(ask("POST", "/containers/create", "{\"Image\":\"UPPER\"}"), 400, "invalid reference format");
        assertAnswer(ask("GET", "/images/nothing/json", ""), 404, "No such image: nothing");
        assertAnswer(ask("DELETE", "/images/nothing", ""), 404, "No such image: nothing");
    }

    @Test
    void aTakenNameNamesWhoHasIt() throws Exception {
        String first = daemon.docker("create", "--name", "only", "busybox")
                .outOrThrow()
                .strip();

        assertAnswer(
                ask("POST", "/containers/create?name=only", BUSYBOX + "}"),
                409,
                "Conflict. The container name \\\"/only\\\" is already in use by container \\\"" + first
                        + "\\\". You have to remove (or rename) that container to be able to reuse that name.");
        assertAnswer(ask("POST", "/containers/create?name=a%2Fb", BUSYBOX + "}"), 400, "Invalid container name");
    }

    @Test
    void aTakenPortIsNamedAndTheContainerStaysCreated() throws Exception {
        String port = Integer.toString(dev.wharf.itests.images.LoopbackRegistry.freePort());
        daemon.docker("run", "-d", "-p", "127.0.0.1:" + port + ":80", "busybox", "sleep", "1000")
                .outOrThrow();

        Outcome second =
                daemon.docker("run", "-d", "--name", "second", "-p", "127.0.0.1:" + port + ":80", "busybox", "true");

        assertThat(second.status()).isEqualTo(125);
        assertThat(second.err()).contains("Bind for 127.0.0.1:" + port + " failed: port is already allocated");
        assertThat(daemon.docker("inspect", "--format", "{{.State.Status}}", "second")
                        .outOrThrow()
                        .strip())
                .isEqualTo("created");
    }

    @Test
    void aContainerMayBeCreatedBeforeItsNetwork() throws Exception {
        daemon.docker("create", "--name", "early", "--network", "to-come", "busybox", "true")
                .outOrThrow();
        assertAnswer(ask("POST", "/containers/early/start", ""), 404, "network to-come not found");

        String network =
                daemon.docker("network", "create", "to-come").outOrThrow().strip();
        daemon.docker("start", "--attach", "early").outOrThrow();
        daemon.docker("create", "--name", "by-id", "--network", network, "busybox", "true")
                .outOrThrow();
        daemon.docker("network", "disconnect", "to-come", "by-id").outOrThrow();
        daemon.docker("network", "connect", "bridge", "by-id").outOrThrow();
        String format = "{{.HostConfig.NetworkMode}} {{range $name, $_ := .NetworkSettings.Networks}}{{$name}}{{end}}";
        assertThat(daemon.docker("inspect", "--format", format, "early", "by-id")
                        .outOrThrow()
                        .lines())
                .containsExactly("to-come to-come", network + " bridge");
    }

    @Test
    void aNetworkThatWasRemovedSinceIsMissingAtTheStart() throws Exception {
        daemon.docker("network", "create", "passing").outOrThrow();
        daemon.docker("create", "--name", "stranded", "--network", "passing", "busybox", "true")
                .outOrThrow();
        daemon.docker("network", "rm", "passing").outOrThrow();

        // Who never ran goes by its name.
        assertAnswer(ask("POST", "/containers/stranded/start", ""), 404, "network passing not found");
        assertThat(daemon.docker("inspect", "--format", "{{.State.Status}}", "stranded")
                        .outOrThrow()
                        .strip())
                .isEqualTo("created");
    }

    @Test
    void aPortThatAnotherProgramHasIsRefusedToo() throws Exception {
        try (var socket = new java.net.ServerSocket(0, 1, java.net.InetAddress.getByName("127.0.0.1"))) {
            Outcome run = daemon.docker(
                    "run", "-d", "-p", "127.0.0.1:" + socket.getLocalPort() + ":80", "busybox", "sleep", "1000");

            assertThat(run.status()).isEqualTo(125);
            assertThat(run.err()).contains("Bind for 127.0.0.1:" + socket.getLocalPort() + " failed");
        }
    }

    @Test
    void malformedBodiesAreBadRequests() throws Exception {
        assertAnswer(ask("POST", "/containers/create", "{\"Image\":"), 400);
        assertAnswer(ask("POST", "/containers/create", "[1,2"), 400);
        assertAnswer(ask("POST", "/containers/create", "\"busybox\""), 400);
        assertAnswer(ask("POST", "/containers/create", ""), 400);
        assertAnswer(ask("POST", "/networks/create", "{\"Name\":7}"), 400);
        assertAnswer(ask("POST", "/volumes/create", "{{"), 400);
        assertAnswer(ask("POST", "/containers/create", BUSYBOX + ",\"HostConfig\":{\"Memory\":\"much\"}}"), 400);
        assertAnswer(ask("POST", "/containers/create", BUSYBOX + ",\"HostConfig\":{\"Binds\":[\"relative:x\"]}}"), 400);
    }

    @Test
    void damagedArchivesAreBadRequestsAndLeaveNothing(@TempDir Path folder) throws Exception {
        daemon.docker("create", "--name", "target", "busybox").outOrThrow();
        String before = daemon.docker("images", "--all", "--quiet").outOrThrow();
        String make = "head -c 300000 /dev/urandom | base64 >big; tar -cf plain big;"
                + " gzip -c plain | head -c 100000 >cut.gz; xz -0c plain | head -c 100000 >cut.xz;"
                + " zstd -qc plain | head -c 100000 >cut.zst; head -c 100000 plain >cut.tar";
        Outcome.of("sh", "-c", "cd " + folder + "; " + make).outOrThrow();
        for (String name : List.of("cut.gz", "cut.xz", "cut.zst", "cut.tar")) {
            for (String route : List.of(
                    "POST /build",
                    "PUT /containers/target/archive?path=/",
                    "POST /images/load",
                    "POST /images/create?fromSrc=-&repo=half")) {
                String answer = daemon.curl(
                                route.substring(route.indexOf(' ') + 1),
                                "--no-fail",
                                "--no-fail-with-body",
                                "-X",
                                route.substring(0, route.indexOf(' ')),
                                "-H",
                                "Content-Type: application/x-tar",
                                "--data-binary",
                                "@" + folder.resolve(name),
                                "--write-out",
                                "\n%{http_code}")
                        .out()
                        .strip();
                assertThat(answer)
                        .as(name + " to " + route)
                        .startsWith("{\"message\":\"")
                        .endsWith("\n400")
                        .containsAnyOf("damaged", "cut short")
                        .doesNotContain("null");
            }
        }
        assertThat(daemon.docker("images", "--all", "--quiet").outOrThrow()).isEqualTo(before);
        assertThat(daemon.docker("diff", "target").outOrThrow()).doesNotContain("plain");
    }

    @Test
    void versionsAreKnownOrRefusedWithTheOnesThatAre() throws Exception {
        assertThat(ask("GET", "/v1.23/version", ""))
                .startsWith("400 client version 1.23 is too old")
                .contains("1.24");
        assertAnswer(ask("GET", "/v1.99/version", ""), 400, "client version 1.99 is too new");
        assertThat(ask("GET", "/v1.24/version", "")).startsWith("200 ");
        assertAnswer(ask("GET", "/v1.41/no/such/page", ""), 404, "page not found");
        assertAnswer(ask("GET", "/nosuch", ""), 404, "page not found");
    }

    @Test
    void whatIsNotThereIsNotFound() throws Exception {
        assertAnswer(ask("GET", "/containers/nobody/json", ""), 404, "No such container: nobody");
        assertAnswer(ask("POST", "/containers/nobody/start", ""), 404, "No such container: nobody");
        assertAnswer(ask("DELETE", "/containers/nobody", ""), 404, "No such container: nobody");
        assertAnswer(ask("GET", "/networks/nothing", ""), 404, "network nothing not found");
        assertAnswer(ask("GET", "/volumes/nothing", ""), 404, "get nothing: no such volume");
        assertAnswer(ask("POST", "/exec/nothing/start", "{}"), 404, "No such exec instance: nothing");
    }

    @Test
    void filtersThatNobodyKnowsAreRefused() throws Exception {
        assertAnswer(
                ask("GET", "/containers/json?filters=%7B%22colour%22%3A%5B%22red%22%5D%7D", ""),
                400,
                "invalid filter 'colour'");
        assertAnswer(ask("GET", "/containers/json?filters=notjson", ""), 400);
        assertAnswer(ask("GET", "/containers/json?limit=many", ""), 400);
    }

    @Test
    void mountsThatMakeNoSenseAreRefused() throws Exception {
        assertAnswer(
                ask(
                        "POST",
                        "/containers/create",
                        BUSYBOX
                                + ",\"HostConfig\":{\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/no/such\",\"Target\":\"/x\"}]}}"),
                400,
                "bind source path does not exist: /no/such");
        assertThat(daemon.docker("run", "--rm", "-v", "/tmp:relative", "busybox", "true")
                        .status())
                .isEqualTo(125);
        assertThat(daemon.docker("run", "--rm", "-v", "/tmp:/", "busybox", "true")
                        .status())
                .isEqualTo(125);
        assertThat(daemon.docker("run", "--rm", "-v", "one:/x", "-v", "two:/x", "busybox", "true")
                        .err())
                .contains("Duplicate mount point: /x");
    }

    @Test
    void optionsThatMakeNoSenseAreRefused() throws Exception {
        for (String option : new String[] {
            "--network=nowhere",
            "--cap-add=FLYING",
            "--memory=1k",
            "--cpus=1000",
            "--runtime=none",
            "--log-driver=carrier-pigeon",
            "--user=-5",
            "--security-opt=what=ever",
            "--ip=1.2.3.4"
        }) {
            Outcome run = daemon.docker("run", "--rm", option, "busybox", "true");
            assertThat(run.status()).as(option + ": " + run.err()).isEqualTo(125);
            assertThat(run.err()).as(option).contains("Error response from daemon:");
        }
        assertThat(daemon.docker("create", "--restart=sometimes", "busybox").err())
                .contains("sometimes");
    }

    @Test
    void whatIsTooMuchToWriteDownIsRefusedAndTheAgentGoesOn(@TempDir Path folder) throws Exception {
        Path body = folder.resolve("body");
        for (int megabytes : new int[] {5, 7}) {
            Files.writeString(body, BUSYBOX + ",\"Labels\":{\"long\":\"" + "x".repeat(megabytes << 20) + "\"}}");
            assertAnswer(
                    ask("POST", "/containers/create?name=long", "@" + body),
                    400,
                    "more than can be written down at once");
            Files.writeString(
                    body, "{\"Name\":\"long\",\"Labels\":{\"long\":\"" + "x".repeat(megabytes << 20) + "\"}}");
            assertAnswer(ask("POST", "/volumes/create", "@" + body), 400, "more than can be written down at once");
            assertAnswer(ask("POST", "/networks/create", "@" + body), 400, "more than can be written down at once");
        }
        Files.writeString(body, BUSYBOX + ",\"Labels\":{\"long\":\"" + "x".repeat(9 << 20) + "\"}}");
        assertAnswer(ask("POST", "/containers/create", "@" + body), 413, "8388608");
        assertThat(ask("GET", "/containers/long/json", "")).startsWith("404 ");
        assertThat(daemon.docker("run", "--rm", "--volume", "long:/v", "busybox", "echo", "well")
                        .outOrThrow())
                .isEqualTo("well\n");
    }

    @Test
    void hugeHeadersAndBodiesDoNotHarm() throws Exception {
        assertThat(ask("GET", "/version?x=" + "y".repeat(100_000), "")).matches("(?s)(200|4\\d\\d) .*");
        assertThat(daemon.curl(
                                "/version",
                                "--no-fail",
                                "--no-fail-with-body",
                                "-H",
                                "X-Long: " + "z".repeat(100_000),
                                "-o",
                                "/dev/null",
                                "-w",
                                "%{http_code}")
                        .out())
                .matches("200|4\\d\\d");
        assertThat(daemon.ping().out()).isEqualTo("OK");
    }
}
