package dev.wharf.itests.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.itests.conformance.SharedAgent;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an operator sees of the daemon before it serves anything. */
class LauncherIT {
    @TempDir
    private Path folder;

    @Test
    void helpShowsTheOptionsAndExamplesAndTouchesNothing() throws Exception {
        Outcome help = Daemon.run("--help");

        assertThat(help.status()).isZero();
        assertThat(help.out()).contains("--data-root DIR", "Examples:");
        assertThat(help.err()).isEmpty();
    }

    @Test
    void theVersionIsOneLine() throws Exception {
        Outcome version = Daemon.run("--version");

        assertThat(version.status()).isZero();
        assertThat(version.out()).matches("wharfd \\d+\\.\\d+\\.\\d+\\S*\n");
    }

    @Test
    void aBadOptionIsOneClearLineAndStatusTwo() throws Exception {
        Outcome bad = Daemon.run("--data-rot", "/srv");

        assertThat(bad.status()).isEqualTo(2);
        assertThat(bad.err()).isEqualTo("wharfd: unknown option --data-rot (wharfd --help shows the options)\n");
    }

    @Test
    void anybodyButRootIsToldSo() throws Exception {
        Outcome nobody = Outcome.of(
                "setpriv",
                "--reuid=65534",
                "--regid=65534",
                "--clear-groups",
                "sh",
                "-c",
                "exec " + readableByAll().resolve("bin/wharfd"));

        assertThat(nobody.status()).isEqualTo(1);
        assertThat(nobody.err())
                .isEqualTo(
                        "wharfd: must run as root: it mounts filesystems and makes namespaces; try" + " sudo wharfd\n");
    }

    /** The folder of the build may lie below one that only root may enter. */
    private Path readableByAll() throws Exception {
        Files.setPosixFilePermissions(folder, java.nio.file.attribute.PosixFilePermissions.fromString("rwxr-xr-x"));
        return Daemon.copyTo(folder.resolve("wharf"));
    }

    @Test
    void whoComesByTlsIsKnownByACertificateAndEverybodyElseIsToldWhatIsMissing() throws Exception {
        authority("ca");
        authority("other");
        certificate("server", "ca", "subjectAltName=IP:127.0.0.1", "-days", "2");
        certificate("client", "ca", "extendedKeyUsage=clientAuth", "-days", "2");
        certificate("stranger", "other", "extendedKeyUsage=clientAuth", "-days", "2");
        certificate("misused", "ca", "extendedKeyUsage=serverAuth", "-days", "2");
        certificate("expired", "ca", "extendedKeyUsage=clientAuth", "-days", "-1");
        int port;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        String host = "tcp://127.0.0.1:" + port;
        try (Daemon daemon = Daemon.start(
                folder,
                "--host",
                host,
                "--tlsverify",
                "--tlscacert",
                pem("ca"),
                "--tlscert",
                pem("server"),
                "--tlskey",
                key("server"))) {
            List<String> docker = List.of("docker", "-H", host, "--tlsverify", "--tlscacert", pem("ca"));
            assertThat(tried(docker, "--tlscert", pem("client"), "--tlskey", key("client"), "info", "-f", "{{.OSType}}")
                            .outOrThrow())
                    .isEqualToIgnoringNewLines("linux");
            for (String name : List.of("stranger", "misused", "expired")) {
                assertThat(tried(docker, "--tlscert", pem(name), "--tlskey", key(name), "ps")
                                .err())
                        .as(name)
                        .contains("certificate");
            }
            assertThat(tried(List.of("docker", "-H", host, "--tls"), "ps").err())
                    .contains("certificate");
            assertThat(tried(List.of("docker", "-H", host), "ps").err())
                    .contains("Client sent an HTTP request to an HTTPS server.");
            assertThat(tried(
                                    List.of("docker", "-H", host, "--tlsverify", "--tlscacert", pem("other")),
                                    "--tlscert",
                                    pem("client"),
                                    "--tlskey",
                                    key("client"),
                                    "ps")
                            .err())
                    .as("the client does not know the agent")
                    .contains("certificate signed by unknown authority");
            assertThat(daemon.ping().outOrThrow()).isEqualTo("OK");
        }
    }

    @Test
    void networksWithoutASubnetGetTheirsFromThePoolsOfTheOperator() throws Exception {
        // Never zero, which an IPv6 address leaves out when it is written (RFC 5952, section 4.2).
        int number = (int) (1 + ProcessHandle.current().pid() % 250);
        String pool = "base=10.98." + number + ".0/24,size=28";
        try (Daemon daemon = Daemon.start(
                folder,
                "--default-address-pool",
                pool,
                "--default-address-pool=base=fd98:" + number + "::/32,size=64")) {
            List<String> docker = List.of("docker", "-H", "unix://" + daemon.socket());
            tried(docker, "network", "create", "one").outOrThrow();
            tried(docker, "network", "create", "--ipv6", "two").outOrThrow();

            assertThat(tried(
                                    docker,
                                    "network",
                                    "inspect",
                                    "one",
                                    "two",
                                    "-f",
                                    "{{range .IPAM.Config}}{{.Subnet}} {{end}}")
                            .outOrThrow())
                    .contains("10.98." + number + ".0/28", "10.98." + number + ".16/28", "fd98:" + number + "::/64");
            assertThat(tried(docker, "info").outOrThrow())
                    .contains("Base: 10.98." + number + ".0/24, Size: 28", "Size: 64");
            tried(docker, "network", "rm", "one", "two").outOrThrow();
        }
    }

    private String pem(String name) {
        return folder.resolve(name + ".pem").toString();
    }

    private String key(String name) {
        return folder.resolve(name + ".key").toString();
    }

    private void authority(String name) throws Exception {
        Outcome.of(
                        "openssl",
                        "req",
                        "-x509",
                        "-newkey",
                        "rsa:2048",
                        "-nodes",
                        "-subj",
                        "/CN=" + name,
                        "-days",
                        "2",
                        "-keyout",
                        key(name),
                        "-out",
                        pem(name))
                .outOrThrow();
    }

    private void certificate(String name, String authority, String extension, String... days) throws Exception {
        String request = folder.resolve(name + ".csr").toString();
        Outcome.of(
                        "openssl",
                        "req",
                        "-newkey",
                        "rsa:2048",
                        "-nodes",
                        "-subj",
                        "/CN=" + name,
                        "-keyout",
                        key(name),
                        "-out",
                        request)
                .outOrThrow();
        Path extensions = Files.writeString(folder.resolve(name + ".ext"), extension + "\n");
        List<String> command = new ArrayList<>(List.of(
                "openssl",
                "x509",
                "-req",
                "-in",
                request,
                "-CA",
                pem(authority),
                "-CAkey",
                key(authority),
                "-CAcreateserial",
                "-extfile",
                extensions.toString(),
                "-out",
                pem(name)));
        command.addAll(List.of(days));
        Outcome.of(command.toArray(String[]::new)).outOrThrow();
    }

    private Outcome tried(List<String> command, String... more) throws Exception {
        List<String> all = new ArrayList<>(command);
        all.addAll(List.of(more));
        return Outcome.of(all, Map.of("DOCKER_CONFIG", folder.toString()), Duration.ofSeconds(30));
    }

    @Test
    void withoutJavaItSaysWhatToInstall() throws Exception {
        Outcome lost = Outcome.of(
                List.of(Daemon.distribution().resolve("bin/wharfd").toString()),
                Map.of("JAVA_HOME", "/nonexistent"),
                Duration.ofSeconds(10));

        assertThat(lost.status()).isEqualTo(1);
        assertThat(lost.err()).contains("no Java found", "openjdk-17-jre-headless");
    }

    @Test
    void aSecondAgentOnTheSameDataIsRefusedAndTheFirstRunsOn() throws Exception {
        try (Daemon first = Daemon.start(folder.resolve("first"))) {
            Outcome second = Daemon.run(
                    "--data-root", first.dataRoot().toString(),
                    "--exec-root", folder.resolve("second").toString(),
                    "--host", "unix://" + folder.resolve("second.sock"));

            assertThat(second.status()).isEqualTo(1);
            assertThat(second.err())
                    .isEqualTo("wharfd: another wharfd (pid " + first.pid() + ") uses " + first.dataRoot()
                            + "; stop it or choose another --data-root\n");
            assertThat(first.ping().out()).isEqualTo("OK");
        }
    }

    @Test
    void aTerminatedAgentLeavesInGoodOrder() throws Exception {
        try (Daemon daemon = Daemon.start(folder)) {
            assertThat(daemon.execRoot().resolve("wharfd.pid")).hasContent(Long.toString(daemon.pid()));

            assertThat(daemon.stop()).isZero();

            assertThat(daemon.execRoot().resolve("wharfd.pid")).doesNotExist();
            assertThat(Files.readString(daemon.log())).doesNotContain("ERROR");
        }
    }

    @Test
    void aKilledAgentStartsAgainOnWhatItLeft() throws Exception {
        try (Daemon daemon = Daemon.start(folder)) {
            daemon.kill();
            daemon.restart();

            assertThat(daemon.ping().out()).isEqualTo("OK");
            assertThat(daemon.stop()).isZero();
        }
    }

    @Test
    void namesAreUtf8InWhateverLanguageItWasStarted() throws Exception {
        SharedAgent.offerBusybox(folder.resolve("data"));
        try (Daemon daemon = Daemon.start(folder)) {
            SharedAgent.pullBusybox(daemon);
            Path bind = Files.createDirectories(folder.resolve("höher"));
            daemon.docker(
                            "run",
                            "--name=web",
                            "--volume=" + bind + ":/mnt/ü",
                            "--volume=data:/data",
                            "--env=WORD=grün",
                            "busybox",
                            "sh",
                            "-c",
                            "echo $WORD > /mnt/ü/日本; mkdir /täst /data/süd; echo 1 > /täst/ß")
                    .outOrThrow();
            assertThat(bind.resolve("日本")).hasContent("grün");
            assertThat(daemon.docker("diff", "web").outOrThrow()).contains("A /täst/ß");
            daemon.docker("cp", "web:/täst", folder + "/out").outOrThrow();
            assertThat(folder.resolve("out/ß")).hasContent("1");
            daemon.docker("commit", "web", "words").outOrThrow();
            assertThat(daemon.docker("run", "--rm", "words", "cat", "/täst/ß").outOrThrow())
                    .isEqualTo("1\n");
            daemon.docker("rm", "web").outOrThrow();
            daemon.docker("volume", "rm", "data").outOrThrow();
            daemon.docker("rmi", "words").outOrThrow();
        }
    }

    @Test
    void severalAgentsServeSideBySide() throws Exception {
        try (Daemon one = Daemon.start(folder.resolve("one"));
                Daemon two = Daemon.start(folder.resolve("two"))) {
            assertThat(one.ping().out()).isEqualTo("OK");
            assertThat(two.ping().out()).isEqualTo("OK");

            assertThat(one.stop()).isZero();
            assertThat(two.ping().out()).isEqualTo("OK");
        }
    }

    @Test
    void theFolderCanBeCopiedAnywhere() throws Exception {
        Path copy = Daemon.copyTo(folder.resolve("opt"));
        try (Daemon daemon = Daemon.start(copy, folder.resolve("agent"))) {
            assertThat(daemon.ping().out()).isEqualTo("OK");
        }
    }

    @Test
    void anArchiveHoldsWhatAStartLoadsAndMakesNoNoiseEvenWhenItFitsNoMore() throws Exception {
        Path copy = Daemon.copyTo(folder.resolve("opt"));
        Outcome.of(copy.resolve("bin/wharf-install-cds").toString()).outOrThrow();
        Path loaded = folder.resolve("loaded");
        Files.writeString(
                copy.resolve("lib/java.sh"),
                "java_flags=\"$java_flags -Xlog:class+load:file=" + loaded + ":none\"\n",
                StandardOpenOption.APPEND);
        try (Daemon daemon = Daemon.start(copy, folder.resolve("agent"))) {
            daemon.docker("ps").outOrThrow();
        }
        List<String> classes = Files.readAllLines(loaded).stream()
                .filter(line -> !line.contains("Lambda"))
                .toList();
        assertThat(classes).filteredOn(line -> line.contains("(top)")).hasSizeGreaterThan(3000);
        assertThat(classes).filteredOn(line -> line.contains("source: file:")).hasSizeLessThan(200);
        Path archive;
        try (var files = Files.list(copy.resolve("lib"))) {
            archive = files.filter(file -> file.toString().endsWith(".jsa"))
                    .findFirst()
                    .orElseThrow();
        }
        String wharfd = copy.resolve("bin/wharfd").toString();
        assertThat(Outcome.of(wharfd, "--version").out()).startsWith("wharfd ");

        Files.write(archive, new byte[4096]);

        Outcome spoilt = Outcome.of(wharfd, "--version");
        assertThat(spoilt.out()).matches("wharfd \\S+\n");
        assertThat(spoilt.err()).isEmpty();
    }
}
