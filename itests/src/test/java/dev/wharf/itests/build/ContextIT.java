package dev.wharf.itests.build;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import dev.wharf.itests.conformance.SharedAgent;
import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.daemon.Outcome;
import dev.wharf.itests.daemon.Traces;
import dev.wharf.oci.layer.Entry;
import dev.wharf.oci.layer.TarWriter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Where contexts come from, however they are packed; and those that mean harm, of which nothing stays. */
@Timeout(120)
class ContextIT {
    @TempDir
    private static Path folder;

    private static Daemon daemon;

    @BeforeAll
    @Timeout(180)
    static void start() throws Exception {
        daemon = SharedAgent.withBusybox(folder.resolve("agent"));
    }

    @AfterAll
    static void stop() throws Exception {
        daemon.close();
    }

    @AfterEach
    void nothingIsLeftOfABuildButImages() throws Exception {
        assertThat(Traces.settled(daemon, List.of())).isEmpty();
        Path running = daemon.dataRoot().resolve("build/running");
        if (Files.exists(running)) assertThat(running).isEmptyDirectory();
    }

    private static String text(String... lines) {
        return String.join("\n", lines) + "\n";
    }

    private static Outcome send(byte[] body, String query) throws Exception {
        Path file = Files.createTempFile(folder, "context", ".tar");
        Files.write(file, body);
        return daemon.curl(
                "/v1.43/build" + query,
                "-X",
                "POST",
                "-H",
                "Content-Type: application/x-tar",
                "--data-binary",
                "@" + file);
    }

    private static Outcome from(String address, String query) throws Exception {
        return daemon.curl(
                "/v1.43/build?remote=" + URLEncoder.encode(address, StandardCharsets.UTF_8) + query, "-X", "POST");
    }

    private static String inImage(String image, String... command) throws Exception {
        List<String> all = new ArrayList<>(List.of("run", "--rm", image));
        all.addAll(List.of(command));
        return daemon.docker(all.toArray(String[]::new)).outOrThrow();
    }

    // ---- how they are packed

    @ParameterizedTest
    @CsvSource({"plain,cat", "gzip,gzip", "bzip2,bzip2", "xz,xz", "zstd,zstd"})
    void aContextMayBePackedInAnyWayThatDockerKnows(String name, String tool) throws Exception {
        Path tar = folder.resolve(name + ".tar");
        Files.write(
                tar,
                new Tar()
                        .file("Dockerfile", text("FROM busybox", "COPY f /"))
                        .file("f", name)
                        .whole());
        Path packed = folder.resolve(name + ".packed");
        Outcome.of("sh", "-c", tool + " < " + tar + " > " + packed).outOrThrow();

        assertThat(send(Files.readAllBytes(packed), "?t=packed-" + name).out()).contains("Successfully tagged");

        assertThat(inImage("packed-" + name, "cat", "/f")).isEqualTo(name);
    }

    // ---- where they come from

    /** Serves files of a folder, and git repositories in it by git's own program. */
    private static HttpServer serve(Path root) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            Path file = root.resolve(exchange.getRequestURI().getPath().substring(1));
            if (!Files.isRegularFile(file)) {
                exchange.sendResponseHeaders(404, -1);
            } else {
                exchange.sendResponseHeaders(200, Files.size(file));
                Files.copy(file, exchange.getResponseBody());
            }
            exchange.close();
        });
        server.createContext("/away", exchange -> {
            exchange.getResponseHeaders().add("Location", "file:///etc/passwd");
            exchange.sendResponseHeaders(302, -1);
            exchange.close();
        });
        server.createContext("/git/", exchange -> {
            ProcessBuilder builder = new ProcessBuilder("git", "http-backend");
            builder.environment()
                    .putAll(Map.of(
                            "GIT_PROJECT_ROOT", root.toString(),
                            "GIT_HTTP_EXPORT_ALL", "1",
                            "PATH_INFO", exchange.getRequestURI().getPath().substring("/git".length()),
                            "REQUEST_METHOD", exchange.getRequestMethod(),
                            "QUERY_STRING",
                                    String.valueOf(exchange.getRequestURI().getRawQuery()),
                            "CONTENT_TYPE",
                                    String.valueOf(exchange.getRequestHeaders().getFirst("Content-Type"))));
            for (Map.Entry<String, String> header : Map.of(
                            "Git-Protocol", "HTTP_GIT_PROTOCOL", "Content-Encoding", "HTTP_CONTENT_ENCODING")
                    .entrySet()) {
                String value = exchange.getRequestHeaders().getFirst(header.getKey());
                if (value != null) builder.environment().put(header.getValue(), value);
            }
            Process git = builder.redirectError(ProcessBuilder.Redirect.DISCARD).start();
            try (OutputStream in = git.getOutputStream()) {
                exchange.getRequestBody().transferTo(in);
            }
            InputStream out = git.getInputStream();
            int status = 200;
            for (String line = line(out); !line.isEmpty(); line = line(out)) {
                String[] field = line.split(": ", 2);
                if (field[0].equals("Status")) {
                    status = Integer.parseInt(field[1].substring(0, 3));
                } else {
                    exchange.getResponseHeaders().set(field[0], field[1]);
                }
            }
            exchange.sendResponseHeaders(status, 0);
            out.transferTo(exchange.getResponseBody());
            exchange.close();
        });
        server.setExecutor(java.util.concurrent.Executors.newCachedThreadPool());
        server.start();
        return server;
    }

    private static String line(InputStream in) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int b = in.read(); b >= 0 && b != '\n'; b = in.read()) {
            if (b != '\r') line.append((char) b);
        }
        return line.toString();
    }

    @Test
    void aContextMayBeATarOrADockerfileElsewhere() throws Exception {
        Path root = Files.createTempDirectory(folder, "web");
        Files.write(
                root.resolve("c.tar"),
                new Tar()
                        .file("sub/D", text("FROM busybox", "COPY f /"))
                        .file("f", "of a tar")
                        .whole());
        Files.writeString(root.resolve("Only"), text("FROM busybox", "RUN echo alone > /f"));
        HttpServer server = serve(root);
        try {
            String address = "http://127.0.0.1:" + server.getAddress().getPort();

            assertThat(from(address + "/c.tar", "&dockerfile=sub/D&t=remote:tar")
                            .out())
                    .contains("Successfully tagged remote:tar");
            assertThat(from(address + "/Only", "&t=remote:file").out()).contains("Successfully tagged remote:file");

            assertThat(inImage("remote:tar", "cat", "/f")).isEqualTo("of a tar");
            assertThat(inImage("remote:file", "cat", "/f")).isEqualTo("alone\n");
            assertThat(from(address + "/none", "").out()).contains("404");
            assertThat(from(address + "/away", "").out()).contains("302", "leads nowhere");
            assertThat(from(address + "/Only", "&dockerfile=../../../../escaped")
                            .out())
                    .contains("forbidden path outside the build context");
            assertThat(daemon.dataRoot().getParent().resolve("escaped")).doesNotExist();
            assertThat(daemon.dataRoot().resolve("escaped")).doesNotExist();
            assertThat(from("file:///etc/passwd", "").out()).contains("is not served");
        } finally {
            server.stop(0);
        }
    }

    @Test
    void aDownloadThatDoesNotEndGoesWithItsClient() throws Exception {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        CountDownLatch begun = new CountDownLatch(1);
        server.createContext("/slow", exchange -> {
            begun.countDown();
            exchange.sendResponseHeaders(200, 0);
            try (OutputStream out = exchange.getResponseBody()) {
                for (int i = 0; i < 6000; i++) {
                    out.write(new byte[1000]);
                    out.flush();
                    Thread.sleep(10);
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        server.start();
        try {
            String address = "http://127.0.0.1:" + server.getAddress().getPort() + "/slow";
            Path tar = Files.write(
                    folder.resolve("slow.tar"),
                    new Tar()
                            .file("Dockerfile", text("FROM busybox", "ADD " + address + " /x"))
                            .whole());
            Process client = new ProcessBuilder(
                            "curl",
                            "--silent",
                            "--unix-socket",
                            daemon.host().substring("unix://".length()),
                            "--data-binary",
                            "@" + tar,
                            "http://docker/v1.43/build")
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            assertThat(begun.await(60, TimeUnit.SECONDS)).isTrue();
            client.destroyForcibly().waitFor();

            Path running = daemon.dataRoot().resolve("build/running");
            for (int i = 0; i < 600 && running.toFile().list().length > 0; i++) Thread.sleep(50);
            assertThat(running).isEmptyDirectory();
        } finally {
            server.stop(0);
        }
    }

    private static void git(Path at, String... arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of("git", "-c", "protocol.file.allow=always", "-C", at.toString()));
        command.addAll(List.of(arguments));
        Outcome.of(
                        command,
                        Map.of(
                                "GIT_CONFIG_GLOBAL", "/dev/null",
                                "GIT_CONFIG_SYSTEM", "/dev/null",
                                "GIT_AUTHOR_NAME", "a",
                                "GIT_AUTHOR_EMAIL", "a@example.org",
                                "GIT_COMMITTER_NAME", "a",
                                "GIT_COMMITTER_EMAIL", "a@example.org"),
                        Duration.ofSeconds(20))
                .outOrThrow();
    }

    /** Two commits, a tag on the first, a branch, a folder, a link, a program, and a repository inside. */
    private static String repository(Path root) throws Exception {
        Path part = Files.createDirectories(root.resolve("part.git"));
        git(part, "init", "--quiet", "--initial-branch=main");
        Files.writeString(part.resolve("p"), "of the part");
        git(part, "add", ".");
        git(part, "commit", "--quiet", "--message=part");
        Path whole = Files.createDirectories(root.resolve("whole.git"));
        git(whole, "init", "--quiet", "--initial-branch=main");
        Files.writeString(whole.resolve("Dockerfile"), text("FROM busybox", "COPY . /c"));
        Files.writeString(whole.resolve("f"), "first");
        git(whole, "add", ".");
        git(whole, "commit", "--quiet", "--message=first");
        git(whole, "tag", "--annotate", "--message=one", "v1");
        Files.writeString(whole.resolve("f"), "second");
        Files.createDirectories(whole.resolve("sub"));
        Files.writeString(whole.resolve("sub/Dockerfile"), text("FROM busybox", "COPY . /s"));
        Files.writeString(whole.resolve("sub/program"), "#!/bin/sh\n");
        whole.resolve("sub/program").toFile().setExecutable(true, false);
        Files.createSymbolicLink(whole.resolve("sub/link"), Path.of("program"));
        git(whole, "submodule", "--quiet", "add", "../part.git", "inner");
        git(whole, "add", ".");
        git(whole, "commit", "--quiet", "--message=second");
        git(whole, "checkout", "--quiet", "-b", "feature");
        Files.writeString(whole.resolve("f"), "feature");
        git(whole, "commit", "--quiet", "--all", "--message=third");
        git(whole, "checkout", "--quiet", "main");
        return Outcome.of("git", "-C", whole.toString(), "rev-parse", "v1^{commit}")
                .outOrThrow()
                .strip();
    }

    @Test
    void aGitRepositoryMayLieOnAServerThatKnowsOnlyFiles() throws Exception {
        Path root = Files.createTempDirectory(folder, "git");
        repository(root);
        git(root.resolve("whole.git"), "update-server-info");
        HttpServer server = serve(root);
        try {
            String address = "http://127.0.0.1:" + server.getAddress().getPort() + "/whole.git/.git";
            assertThat(from(address + "#v1", "&t=git:files").out()).contains("Successfully tagged git:files");
            assertThat(inImage("git:files", "cat", "/c/f")).isEqualTo("first");
        } finally {
            server.stop(0);
        }
    }

    @Test
    void aContextMayBeAGitRepository() throws Exception {
        Path root = Files.createTempDirectory(folder, "git");
        String first = repository(root);
        HttpServer server = serve(root);
        try {
            String address = "http://127.0.0.1:" + server.getAddress().getPort() + "/git/whole.git";

            assertThat(from(address, "&t=git:head").out()).contains("Successfully tagged git:head");
            for (String ref : List.of("v1", "feature", first, first.substring(0, 10))) {
                assertThat(from(address + "#" + ref, "&t=git:at-" + ref).out()).contains("Successfully tagged");
            }
            assertThat(from(address + "#main:sub", "&t=git:sub").out()).contains("Successfully tagged git:sub");

            assertThat(inImage("git:head", "sh", "-c", "cat /c/f /c/inner/p; ls -A /c"))
                    .isEqualTo("secondof the part.gitmodules\nDockerfile\nf\ninner\nsub\n");
            assertThat(inImage("git:at-v1", "cat", "/c/f")).isEqualTo("first");
            assertThat(inImage("git:at-feature", "cat", "/c/f")).isEqualTo("feature");
            assertThat(inImage("git:at-" + first, "cat", "/c/f")).isEqualTo("first");
            assertThat(inImage("git:at-" + first.substring(0, 10), "cat", "/c/f"))
                    .isEqualTo("first");
            assertThat(inImage("git:sub", "sh", "-c", "readlink /s/link; stat -c %a /s/program"))
                    .isEqualTo("program\n755\n");
            String added = text(
                    "FROM busybox",
                    "ADD --chown=5:6 " + address + "#main:sub /a",
                    "ADD --checksum=" + first + " " + address + "#v1 /b/",
                    "RUN cat /b/f; ls /a; stat -c '%u:%g %a' /a/program");
            assertThat(send(new Tar().file("Dockerfile", added).whole(), "").out())
                    .contains("first", "Dockerfile\\nlink\\nprogram\\n", "5:6 755");
            assertThat(send(
                                    new Tar()
                                            .file("Dockerfile", added.replace(first, "0123456"))
                                            .whole(),
                                    "")
                            .out())
                    .contains("expected checksum to match 0123456, got " + first);
            assertThat(from(address + "#nowhere", "").out()).contains("has no branch and no tag nowhere");
            assertThat(from(address + "#main:none", "").out()).contains("has no directory none");
            assertThat(from(address.replace("whole", "hole"), "").out())
                    .contains("cannot fetch HEAD of git repository");
            assertThat(from("ssh://git@localhost/x.git", "").out()).contains("need no keys");
        } finally {
            server.stop(0);
        }
    }

    @Test
    void aContextMayComeByGitsOwnProtocol() throws Exception {
        Path root = Files.createTempDirectory(folder, "git");
        repository(root);
        int port;
        try (ServerSocket any = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = any.getLocalPort();
        }
        Process git = new ProcessBuilder(
                        "/usr/lib/git-core/git-daemon",
                        "--listen=127.0.0.1",
                        "--port=" + port,
                        "--reuseaddr",
                        "--export-all",
                        "--base-path=" + root)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        try {
            awaitPort(port);

            assertThat(from("git://127.0.0.1:" + port + "/whole.git#feature:", "&t=git:own")
                            .out())
                    .contains("Successfully tagged git:own");

            assertThat(inImage("git:own", "cat", "/c/f")).isEqualTo("feature");
        } finally {
            git.destroy();
            git.waitFor();
        }
    }

    private static void awaitPort(int port) throws Exception {
        for (int i = 0; i < 1200; i++) {
            try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
                if (socket.isConnected()) return;
            } catch (IOException e) {
                Thread.sleep(25);
            }
        }
        throw new AssertionError("git-daemon does not listen");
    }

    // ---- what means harm

    /** Makes tars that no honest program makes. */
    private static final class Tar {
        private final ByteArrayOutputStream out = new ByteArrayOutputStream();

        Tar file(String name, String content) {
            byte[] bytes = content.getBytes(StandardCharsets.UTF_8);
            return entry(Entry.Kind.FILE, name, "", bytes.length)
                    .raw(bytes)
                    .raw(new byte[TarWriter.padding(bytes.length)]);
        }

        Tar entry(Entry.Kind kind, String name, String target, long size) {
            return raw(TarWriter.header(new Entry(kind, name, target, 0755, 0, 0, size, 0, 0, 1, 3, Map.of())));
        }

        Tar raw(byte[] bytes) {
            out.writeBytes(bytes);
            return this;
        }

        byte[] whole() {
            raw(new byte[TarWriter.END_BYTES]);
            return out.toByteArray();
        }
    }

    private static Tar honest() {
        return new Tar().file("Dockerfile", text("FROM busybox", "COPY . /c"));
    }

    static Stream<Object[]> harmful() throws Exception {
        Tar deep = honest().file("d/".repeat(600) + "f", "x");
        Tar many = honest();
        // A size that no disk has.
        Tar liar = honest().entry(Entry.Kind.FILE, "huge", "", 8L << 50);
        return Stream.of(
                new Object[] {"climbs", honest().file("../../escaped", "x"), "climbs out of the root"},
                new Object[] {"a hard link out", honest().entry(Entry.Kind.HARD_LINK, "h", "/etc/passwd", 0), "h"},
                new Object[] {"a hard link up", honest().entry(Entry.Kind.HARD_LINK, "h", "../../../etc/passwd", 0), "h"
                },
                new Object[] {"a device", honest().entry(Entry.Kind.CHARACTER_DEVICE, "null", "", 0), "is a device"},
                new Object[] {"deep", deep, "deep"},
                new Object[] {"a lie", liar, "refused"},
                new Object[] {"cut short", many.file("f", "x").entry(Entry.Kind.FILE, "g", "", 4096), "refused"});
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("harmful")
    void aHarmfulContextIsRefusedInWords(String name, Tar tar, String words) throws Exception {
        byte[] body = tar.out.toByteArray();

        Outcome outcome = send(name.equals("cut short") ? body : tar.whole(), "");

        assertThat(outcome.status()).isNotZero();
        assertThat(outcome.out()).contains("the build context is refused", words);
    }

    @Test
    void aBombIsStoppedBeforeTheDiskIsFull() throws Exception {
        // Gigabytes of zeros in a few megabytes: what is packed once is sent again and again, as members of one stream.
        Path run = folder.resolve("zeros.gz");
        Outcome.of("sh", "-c", "head -c 67108864 /dev/zero | gzip -9 > " + run).outOrThrow();
        byte[] zeros = Files.readAllBytes(run);
        Path head = folder.resolve("head");
        Files.write(
                head, honest().entry(Entry.Kind.FILE, "zeros", "", 8L << 30).out.toByteArray());
        Path headPacked = folder.resolve("head.gz");
        Outcome.of("sh", "-c", "gzip < " + head + " > " + headPacked).outOrThrow();
        ByteArrayOutputStream bomb = new ByteArrayOutputStream();
        bomb.writeBytes(Files.readAllBytes(headPacked));
        for (int i = 0; i < 128; i++) bomb.writeBytes(zeros);

        assertThat(send(bomb.toByteArray(), "").out()).contains("as a tar bomb does");
    }

    @Test
    void entriesThatReplaceOneAnotherEndWithTheLast() throws Exception {
        Tar tar = new Tar().file("Dockerfile", text("FROM scratch"));
        for (int i = 0; i < 2000; i++) tar.file("same", "x" + i);
        tar.entry(Entry.Kind.SYMBOLIC_LINK, "turns", "/etc/into", 0).file("turns", "a file");
        tar.file("Dockerfile", text("FROM busybox", "COPY . /c"));

        Outcome outcome = send(tar.whole(), "?t=replaced");

        assertThat(outcome.out()).contains("Successfully tagged");
        assertThat(inImage("replaced", "cat", "/c/same", "/c/turns")).isEqualTo("x1999a file");
        assertThat(Path.of("/etc/into")).doesNotExist();
    }

    @Test
    void aNameThatTakesAwayWhatIsBelowIsNotCopied() throws Exception {
        assertThat(send(
                                new Tar()
                                        .file("Dockerfile", text("FROM busybox", "COPY d /bin/"))
                                        .file("d/.wh.ls", "")
                                        .whole(),
                                "")
                        .out())
                .contains("mark what a layer takes away", "Dockerfile:2:1");
    }

    @Test
    void namesNeedNotBeText() throws Exception {
        byte[] name = Arrays.copyOf("caf\u00e9".getBytes(StandardCharsets.ISO_8859_1), 100);
        Tar tar = new Tar().file("Dockerfile", text("FROM busybox", "COPY . /c", "RUN cd /c; echo * | od -c"));
        byte[] header = TarWriter.header(new Entry(Entry.Kind.FILE, "x", "", 0644, 0, 0, 0, 0, 0, 0, 0, Map.of()));
        System.arraycopy(name, 0, header, 0, name.length);
        int sum = 0;
        for (int i = 0; i < header.length; i++) sum += i >= 148 && i < 156 ? ' ' : header[i] & 0xff;
        System.arraycopy("%06o\0 ".formatted(sum).getBytes(StandardCharsets.US_ASCII), 0, header, 148, 8);
        tar.out.writeBytes(header);

        assertThat(send(tar.whole(), "").out()).contains("c   a   f 351", "Successfully built");
        daemon.stop();
        daemon.restart();
        assertThat(daemon.ping().outOrThrow()).isEqualTo("OK");
    }

    @Test
    void manyStagesAreBuiltAFewAtATime() throws Exception {
        StringBuilder chain = new StringBuilder("FROM busybox AS s0\n");
        for (int i = 0; i < 2500; i++) chain.append("FROM s%d AS s%d\n".formatted(i, i + 1));
        chain.append("ENV long=chain\n");
        StringBuilder wide = new StringBuilder();
        for (int i = 0; i < 30; i++) wide.append("FROM busybox AS w%d\nENV n=%d\n".formatted(i, i));
        wide.append("FROM scratch\n");
        for (int i = 0; i < 30; i++) wide.append("COPY --from=w%d /etc /%d\n".formatted(i, i));

        assertThat(send(new Tar().file("Dockerfile", chain.toString()).whole(), "?t=many")
                        .out())
                .contains("Successfully tagged many:latest");
        assertThat(send(new Tar().file("Dockerfile", wide.toString()).whole(), "?t=many")
                        .out())
                .contains("Step 91/91", "Successfully tagged many:latest");
    }

    @Test
    void patternsThatMatchInEndlessWaysAreGivenUp() throws Exception {
        Tar tar = new Tar().file("Dockerfile", text("FROM busybox", "COPY " + "*a".repeat(60) + "b /"));
        for (int i = 0; i < 20; i++) tar.file("a".repeat(200) + i, "");

        assertThat(send(tar.whole(), "").out()).contains("too many ways to match");
        assertThat(send(
                                tar.file("Dockerfile", text("FROM busybox", "COPY . /"))
                                        .file(".dockerignore", text("**/*a".repeat(30) + "b"))
                                        .whole(),
                                "")
                        .out())
                .contains("too many ways to match");
    }

    @Test
    void aDockerfileWithoutMeasureIsRefused() throws Exception {
        assertThat(send(
                                new Tar()
                                        .file("Dockerfile", "FROM busybox\n" + "RUN true\n".repeat(200_000))
                                        .whole(),
                                "")
                        .out())
                .contains("is larger than");
        assertThat(send(
                                new Tar()
                                        .file("Dockerfile", "FROM busybox\n" + "RUN true\n".repeat(50_000))
                                        .whole(),
                                "")
                        .out())
                .contains("has more than");
    }
}
