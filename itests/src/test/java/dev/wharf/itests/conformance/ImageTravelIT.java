package dev.wharf.itests.conformance;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.daemon.Outcome;
import dev.wharf.itests.images.LoopbackRegistry;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Images that are made of containers, and that go and come as tars and through registries. */
@ExtendWith(SharedAgent.class)
@Timeout(120)
class ImageTravelIT {
    @TempDir
    Path folder;

    private final Docker docker;

    ImageTravelIT(Daemon daemon) {
        docker = new Docker(daemon);
    }

    private String here(String name) {
        return folder.resolve(name).toString();
    }

    /** The agent is shared, so what a test brought goes with it. */
    @AfterEach
    void removeImages() throws Exception {
        for (String container : docker.docker("ps", "-aq").lines().toList()) docker.docker("rm", "-f", container);
        for (String name : docker.docker("images", "--format", "{{.Repository}}:{{.Tag}}")
                .lines()
                .toList()) {
            if (!name.equals("busybox:latest") && !name.equals("layout.local/busybox:latest")) {
                docker.tried("rmi", "-f", name);
            }
        }
        docker.docker("image", "prune", "-f");
    }

    private void changed() throws IOException, InterruptedException {
        docker.background(
                "--name box", "echo new > /new; rm /etc/group; mkdir /opt; echo x > /opt/x; echo made; sleep 1000");
        docker.awaitLog("box", "made");
    }

    @Test
    void aDiffShowsWhatAContainerDidAndNothingThatEveryContainerHas() throws Exception {
        changed();
        assertThat(docker.docker("diff", "box").lines())
                .containsExactly("C /etc", "D /etc/group", "A /new", "A /opt", "A /opt/x");
        docker.docker(
                "create", "--name", "fresh", "-v", "data:/some/where", "busybox", "ls", "/.dockerenv", "/etc/mtab");
        assertThat(docker.docker("diff", "fresh")).isEmpty();
        assertThat(docker.docker("start", "-a", "fresh")).isEqualTo("/.dockerenv\n/etc/mtab");
        assertThat(docker.docker("diff", "fresh").lines()).containsExactly("A /some", "A /some/where");
    }

    @Test
    void aCommitOfWhatDidNothingHasNoLayerOfItsOwn() throws Exception {
        docker.docker("run", "--name", "idle", "busybox", "head", "-1", "/etc/mtab");
        docker.docker("commit", "-c", "HEALTHCHECK --interval=5s CMD true", "idle", "mine:2");
        assertThat(docker.inspect("mine:2", "{{len .RootFS.Layers}} {{json .Config.Healthcheck}}"))
                .isEqualTo("1 {\"Test\":[\"CMD-SHELL\",\"true\"],\"Interval\":5000000000}");
        assertThat(docker.docker("run", "--rm", "mine:2", "stat", "-c", "%a %F", "/.dockerenv", "/etc/hosts"))
                .startsWith("755 regular empty file\n");
    }

    @Test
    void aCommitIsAnImageWithEverythingTheContainerDid() throws Exception {
        changed();
        docker.docker(
                "commit", "-a", "me", "-m", "why", "-c", "ENV A=b", "-c", "CMD [\"cat\",\"/opt/x\"]", "box", "mine:1");
        assertThat(docker.docker("run", "--rm", "mine:1")).isEqualTo("x");
        assertThat(docker.docker("run", "--rm", "mine:1", "sh", "-c", "echo $A; ls /etc/group 2>&1; true"))
                .startsWith("b\n")
                .contains("No such file");
        assertThat(docker.inspect("mine:1", "{{.Author}} {{.Comment}} {{len .RootFS.Layers}}"))
                .isEqualTo("me why 2");
        assertThat(docker.inspect("box", "{{.State.Status}}")).isEqualTo("running");
        assertThat(docker.tried("commit", "box", "UPPER").err()).contains("lowercase");

        docker.docker("create", "--name", "said", "--entrypoint", "echo", "busybox", "a", "b");
        docker.docker("commit", "said", "mine:said");
        assertThat(docker.docker("history", "--format", "{{.CreatedBy}}", "mine:said"))
                .startsWith("a b\n");
        docker.docker("rm", "said");
        docker.docker("rmi", "mine:said");
    }

    @Test
    void namesThatNoImageMayHaveAreRefused() throws Exception {
        String digest = "x@sha256:" + "0".repeat(64);
        assertThat(docker.tried("import", "/dev/null", digest).err()).contains("cannot import digest reference");
        assertThat(docker.tried("pull", "scratch").err()).contains("'scratch' is a reserved name");
    }

    @Test
    void anExportIsAWholeFileSystemThatCanBeImported() throws Exception {
        changed();
        docker.docker("export", "-o", here("box.tar"), "box");
        assertThat(Outcome.of("tar", "tf", here("box.tar")).outOrThrow().lines())
                .as("what is in the root, without that itself")
                .contains(".dockerenv", "bin/")
                .noneMatch(name -> name.startsWith("./"));
        docker.docker("import", "-c", "CMD [\"cat\",\"/new\"]", here("box.tar"), "flat:1");
        assertThat(docker.docker("run", "--rm", "flat:1")).isEqualTo("new");
        assertThat(docker.inspect("flat:1", "{{len .RootFS.Layers}}")).isEqualTo("1");
    }

    @Test
    void whatIsSavedIsLoadedByOthersAndTheOtherWayRound() throws Exception {
        changed();
        docker.docker("commit", "box", "mine:1");
        String id = docker.inspect("mine:1", "{{.Id}}");
        docker.docker("save", "-o", here("mine.tar"), "mine:1");
        docker.docker("rmi", "mine:1");
        assertThat(docker.docker("load", "-i", here("mine.tar"))).contains("Loaded image: mine:1");
        assertThat(docker.inspect("mine:1", "{{.Id}}"))
                .as("the config comes back byte for byte")
                .isEqualTo(id);

        skopeo("docker-archive:" + here("mine.tar"), "oci:" + here("layout") + ":mine");
        skopeo("oci:" + here("layout") + ":mine", "docker-archive:" + here("theirs.tar") + ":theirs:1");
        assertThat(docker.docker("load", "-i", here("theirs.tar"))).contains("Loaded image: theirs:1");
        assertThat(docker.docker("run", "--rm", "theirs:1", "cat", "/new")).isEqualTo("new");
        Outcome.of("tar", "cf", here("layout.tar"), "-C", here("layout"), ".").outOrThrow();
        assertThat(docker.docker("load", "-i", here("layout.tar"))).contains("Loaded image");
        Outcome.of("gzip", here("mine.tar")).outOrThrow();
        assertThat(docker.docker("load", "-i", here("mine.tar.gz"))).contains("Loaded image: mine:1");
        Files.writeString(folder.resolve("noise"), "no archive at all");
        assertThat(docker.tried("load", "-i", here("noise")).status()).isNotZero();
    }

    private Path blobs() {
        return docker.daemon().dataRoot().resolve("content/blobs/sha256");
    }

    private Set<String> kept() throws IOException {
        try (Stream<Path> all = Files.list(blobs())) {
            return all.map(blob -> blob.getFileName().toString()).collect(Collectors.toSet());
        }
    }

    /** What an image that is on its way out owned may take a moment. */
    private void awaitNoMoreThan(Set<String> before) throws IOException, InterruptedException {
        for (int tries = 0; !before.containsAll(kept()) && tries < 100; tries++) Thread.sleep(50);
        assertThat(kept()).isSubsetOf(before);
    }

    @Test
    void anArchiveThatIsNoGoodLeavesNothing() throws Exception {
        docker.docker("run", "--name", "box", "busybox", "dd", "if=/dev/urandom", "of=/noise", "bs=1M", "count=3");
        docker.docker("commit", "box", "mine:1");
        docker.docker("save", "-o", here("mine.tar"), "mine:1");
        Path layer = blobs().resolve(
                        docker.inspect("mine:1", "{{index .RootFS.Layers 1}}").substring("sha256:".length()));
        docker.docker("rm", "box");
        docker.docker("rmi", "mine:1");
        for (int tries = 0; Files.exists(layer) && tries < 100; tries++) Thread.sleep(50);
        Set<String> before = kept();
        byte[] archive = Files.readAllBytes(folder.resolve("mine.tar"));

        Files.write(folder.resolve("cut.tar"), Arrays.copyOf(archive, archive.length - 6000));
        assertThat(docker.tried("load", "-i", here("cut.tar")).status()).isNotZero();
        awaitNoMoreThan(before);
        archive[archive.length / 2] ^= 1;
        Files.write(folder.resolve("other.tar"), archive);
        assertThat(docker.tried("load", "-i", here("other.tar")).err()).contains("has in truth sha256:");
        awaitNoMoreThan(before);
        Files.write(folder.resolve("noise"), Arrays.copyOfRange(archive, 1 << 20, 2 << 20));
        assertThat(docker.tried("import", here("noise"), "noise:1").status()).isNotZero();
        awaitNoMoreThan(before);
    }

    @Test
    void anImageThatIsNotWholeIsNotPassedOnAndComesBackWithAPull() throws Exception {
        try (LoopbackRegistry registry = LoopbackRegistry.start()) {
            String name = registry.host() + "/half:1";
            docker.docker("run", "--name", "box", "busybox", "touch", "/half");
            docker.docker("commit", "box", name);
            docker.docker("push", name);
            docker.docker("save", "-o", here("whole.tar"), name);
            String diffId = docker.inspect(name, "{{index .RootFS.Layers 1}}");
            Path layer = blobs().resolve(diffId.substring("sha256:".length()));
            Path config = blobs().resolve(docker.inspect(name, "{{.Id}}").substring("sha256:".length()));

            Files.delete(layer);
            Outcome save = docker.tried("save", "-o", here("half.tar"), name);
            assertThat(save.err()).contains("image " + name + " is not whole: layer " + diffId + " is missing");
            assertThat(folder.resolve("half.tar")).doesNotExist();
            assertThat(docker.tried("push", name).err()).contains("layer " + diffId + " is missing");
            docker.docker("pull", name);
            assertThat(layer).exists();

            Files.writeString(layer, "short");
            Files.delete(config);
            assertThat(docker.docker("pull", name)).contains("Pulling fs layer");
            docker.docker("save", "-o", here("again.tar"), name);
            assertThat(folder.resolve("again.tar")).hasSameBinaryContentAs(folder.resolve("whole.tar"));
        }
    }

    private static void skopeo(String from, String to) throws IOException, InterruptedException {
        Outcome.of(List.of("skopeo", "copy", "--quiet", "--insecure-policy", from, to), Map.of(), Duration.ofMinutes(1))
                .outOrThrow();
    }

    @Test
    void aPushGoesToARegistryAndComesBack() throws Exception {
        changed();
        try (LoopbackRegistry registry = LoopbackRegistry.start()) {
            String name = registry.host() + "/team/mine:1";
            docker.docker("commit", "box", name);
            String id = docker.inspect(name, "{{.Id}}");
            assertThat(docker.docker("push", name)).contains("Pushed").contains("1: digest: sha256:");
            assertThat(docker.docker("push", name)).contains("Layer already exists");
            String beside = registry.host() + "/team/other:1";
            docker.docker("tag", name, beside);
            assertThat(docker.docker("push", beside))
                    .contains("Mounted from team/mine")
                    .doesNotContain("Pushed");
            docker.docker("rmi", beside);
            String pinned = docker.inspect(name, "{{index .RepoDigests 0}}");
            assertThat(pinned).startsWith(registry.host() + "/team/mine@sha256:");
            assertThat(docker.inspect(pinned, "{{.Id}}")).isEqualTo(id);
            assertThat(docker.docker("rmi", name)).contains("Untagged: " + pinned, "Deleted: " + id);
            assertThat(docker.docker("pull", name)).contains("Status: Downloaded newer image for " + name);
            assertThat(docker.inspect(name, "{{.Id}}")).isEqualTo(id);
            assertThat(docker.daemon().curl("/distribution/" + name + "/json").out())
                    .contains("\"Platforms\":[{\"architecture\":");
        }
    }

    @Test
    void aPullWhoseLayerAnotherOneFetchesTellsOfItAndEndsWithItsClient() throws Exception {
        byte[] layer = new byte[40 << 20];
        String digest = sha256(layer);
        String config = "{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\""
                + digest + "\"]}}";
        String manifest =
                "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"config\":{"
                        + "\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"digest\":\""
                        + sha256(config.getBytes(UTF_8))
                        + "\",\"size\":" + config.length()
                        + "},\"layers\":[{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\","
                        + "\"digest\":\"" + digest + "\",\"size\":" + layer.length + "}]}";
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        ExecutorService threads = Executors.newCachedThreadPool();
        server.setExecutor(threads);
        CountDownLatch left = new CountDownLatch(1);
        server.createContext("/", exchange -> {
            String path = exchange.getRequestURI().getPath();
            try (HttpExchange now = exchange) {
                if (path.endsWith(digest)) {
                    now.sendResponseHeaders(200, layer.length);
                    for (int at = 0; at < layer.length; at += 200 << 10) {
                        now.getResponseBody().write(layer, at, Math.min(200 << 10, layer.length - at));
                        Thread.sleep(100);
                    }
                } else {
                    byte[] body = (path.contains("/manifests/") ? manifest : path.contains("/blobs/") ? config : "{}")
                            .getBytes(UTF_8);
                    now.getResponseHeaders().add("Content-Type", "application/vnd.oci.image.manifest.v1+json");
                    boolean head = now.getRequestMethod().equals("HEAD");
                    now.sendResponseHeaders(200, head ? -1 : body.length);
                    if (!head) {
                        now.getResponseBody().write(body);
                    }
                }
            } catch (IOException | InterruptedException e) {
                left.countDown();
            }
        });
        server.start();
        String host = "127.0.0.1:" + server.getAddress().getPort();
        Process first = pull(host + "/first", here("first"));
        Process second = null;
        try {
            awaitText(here("first"), "Downloading");
            second = pull(host + "/second", here("second"));
            awaitText(here("second"), "Pulling from second");
            awaitText(here("second"), "Downloading");

            second.destroyForcibly().waitFor();
            awaitEnd(host + "/second");
            assertThat(first.isAlive()).isTrue();
            first.destroyForcibly().waitFor();
            awaitEnd(host + "/first");
            assertThat(left.await(30, TimeUnit.SECONDS))
                    .as("nobody fetches what nobody waits for")
                    .isTrue();
        } finally {
            first.destroyForcibly();
            if (second != null) {
                second.destroyForcibly();
            }
            server.stop(0);
            threads.shutdownNow();
        }
    }

    @Test
    void aPushEndsWithItsClient() throws Exception {
        docker.docker("run", "--name", "box", "busybox", "dd", "if=/dev/urandom", "of=/noise", "bs=1M", "count=24");
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        ExecutorService threads = Executors.newCachedThreadPool();
        server.setExecutor(threads);
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch left = new CountDownLatch(1);
        Set<String> asked = ConcurrentHashMap.newKeySet();
        server.createContext("/", exchange -> {
            try (HttpExchange now = exchange) {
                String method = now.getRequestMethod();
                if (left.getCount() == 0) {
                    asked.add(method);
                }
                long length = Long.parseLong(now.getRequestHeaders()
                        .getOrDefault("Content-Length", List.of("0"))
                        .get(0));
                while (now.getRequestBody().readNBytes(200 << 10).length > 0) {
                    if (length > 20 << 20) {
                        begun.countDown();
                        Thread.sleep(100);
                    }
                }
                now.getResponseHeaders().add("Location", "/v2/upload");
                int status = switch (method) {
                    case "HEAD" -> 404;
                    case "GET" -> 200;
                    case "PUT" -> 201;
                    default -> 202;
                };
                now.sendResponseHeaders(status, -1);
            } catch (IOException | InterruptedException e) {
                left.countDown();
            }
        });
        server.start();
        String name = "127.0.0.1:" + server.getAddress().getPort() + "/mine:1";
        docker.docker("commit", "box", name);
        Process push = post("/images/" + name.replace(":1", "") + "/push?tag=1", here("push"));
        try {
            assertThat(begun.await(30, TimeUnit.SECONDS)).isTrue();
            push.destroyForcibly().waitFor();
            assertThat(left.await(30, TimeUnit.SECONDS))
                    .as("nothing is sent for nobody")
                    .isTrue();
            assertThat(asked).as("nor is it begun anew").doesNotContain("PUT", "PATCH", "POST");
        } finally {
            push.destroyForcibly();
            server.stop(0);
            threads.shutdownNow();
        }
    }

    private Process pull(String name, String into) throws IOException {
        return post("/images/create?tag=1&fromImage=" + name, into);
    }

    private Process post(String path, String into) throws IOException {
        return new ProcessBuilder(
                        "curl",
                        "--silent",
                        "--no-buffer",
                        "--unix-socket",
                        docker.daemon().socket().toString(),
                        "--request",
                        "POST",
                        "http://docker/v1.43" + path)
                .redirectOutput(Path.of(into).toFile())
                .start();
    }

    private static void awaitText(String file, String text) throws IOException, InterruptedException {
        for (int i = 0; i < 600 && !Files.readString(Path.of(file)).contains(text); i++) Thread.sleep(50);
        assertThat(Path.of(file)).content().contains(text);
    }

    private void awaitEnd(String name) throws IOException, InterruptedException {
        String told = "";
        for (int i = 0; i < 300 && !told.contains("the pull was cancelled"); i++) {
            Thread.sleep(100);
            told = docker.daemon()
                    .wharf("journal", "story", "--subject", name + ":1")
                    .out();
        }
        assertThat(told).contains("the pull was cancelled");
    }

    private static String sha256(byte[] bytes) throws NoSuchAlgorithmException {
        return "sha256:"
                + HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    }

    @Test
    void anImageWhoseLayersAreHereInOtherPackingIsSavedBuiltOnAndPushed() throws Exception {
        docker.docker("save", "-o", here("plain.tar"), "busybox");
        try (LoopbackRegistry registry = LoopbackRegistry.start()) {
            String name = registry.host() + "/repacked:1";
            Outcome.of(
                            List.of(
                                    "skopeo",
                                    "copy",
                                    "--quiet",
                                    "--insecure-policy",
                                    "--dest-tls-verify=false",
                                    "docker-archive:" + here("plain.tar"),
                                    "docker://" + name),
                            Map.of(),
                            Duration.ofMinutes(1))
                    .outOrThrow();
            assertThat(docker.docker("pull", name)).contains("Already exists");
            String id = docker.inspect(name, "{{.Id}}");
            assertThat(docker.inspect("busybox", "{{.Id}}")).isEqualTo(id);

            String sent = registry.host() + "/sent:1";
            docker.docker("tag", name, sent);
            assertThat(docker.docker("push", sent)).contains("1: digest: sha256:");
            docker.docker("create", "--name", "over", name);
            docker.docker("commit", "over", registry.host() + "/over:1");
            docker.docker("rm", "over");
            docker.docker("push", registry.host() + "/over:1");
            docker.docker("save", "-o", here("repacked.tar"), name);
            docker.docker("rmi", name, sent, registry.host() + "/over:1");

            assertThat(docker.docker("load", "-i", here("repacked.tar"))).contains("Loaded image: " + name);
            docker.docker("pull", sent);
            assertThat(docker.inspect(name, "{{.Id}}")).isEqualTo(id);
            assertThat(docker.inspect(sent, "{{.Id}}")).isEqualTo(id);
            docker.docker("rmi", name, sent);
        }
    }

    @Test
    void aLoginIsTakenOrRefusedByTheRegistryItself() throws Exception {
        try (LoopbackRegistry registry = LoopbackRegistry.withPassword()) {
            String name = registry.host() + "/mine:1";
            docker.docker("tag", "busybox", name);
            assertThat(docker.tried("push", name).err()).contains("access denied");
            assertThat(login(registry, "wrong").err()).contains("401 Unauthorized");
            assertThat(login(registry, "right").out()).contains("Login Succeeded");
            assertThat(asUser("push", name).out()).contains("1: digest: sha256:");
            assertThat(docker.daemon()
                            .curl(
                                    "/images/create?fromImage=" + name,
                                    "-X",
                                    "POST",
                                    "--output",
                                    "/dev/stdout",
                                    "--write-out",
                                    "%{http_code}")
                            .out())
                    .contains("pull access denied", "404");
            assertThat(docker.daemon().wharf("journal", "tail").out()).doesNotContain("right");
        }
    }

    private Outcome login(LoopbackRegistry registry, String password) throws IOException, InterruptedException {
        return asUser("login", "-u", "user", "-p", password, registry.host());
    }

    /** Docker with a configuration of its own, where it keeps what it logged in with. */
    private Outcome asUser(String... arguments) throws IOException, InterruptedException {
        List<String> all = new java.util.ArrayList<>(List.of("--config", here("config")));
        all.addAll(List.of(arguments));
        return docker.tried(all.toArray(String[]::new));
    }
}
