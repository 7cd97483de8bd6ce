package dev.wharf.itests.registries;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.daemon.Outcome;
import dev.wharf.itests.images.LoopbackRegistry;
import dev.wharf.oci.layout.OciLayout;
import dev.wharf.oci.make.ImageMaker;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * One repository is pulled through one backend after another, as settings lead there while the agent serves. Each place has an
 * image of its own under the same name, with a label that says where it is from.
 */
@Timeout(120)
class RoutesIT {
    private static final String IMAGE = "registry.test/team/app:1";
    private static final String ROUTES = "dev.wharf.registries.cfg";
    private static final String DISTRIBUTION = "dev.wharf.registry.distribution.cfg";
    private static final String HTTP = "dev.wharf.registry.http.cfg";

    @TempDir
    private static Path folder;

    private static Daemon daemon;
    private static LoopbackRegistry registry;
    private static Process web;
    private static String store = "";

    @BeforeAll
    static void start() throws Exception {
        Path home = Daemon.copyTo(folder.resolve("wharf"));
        registry = LoopbackRegistry.start();
        push(registry, "registry");
        Path published = Files.createDirectories(folder.resolve("published"));
        layout("store", published.resolve("images/team/app"));
        store = serve(published) + "/images";
        Files.createDirectories(home.resolve("etc/certs.d/registry.test"));
        daemon = Daemon.start(home, folder.resolve("agent"));
        settings(DISTRIBUTION, "mirrors.registry.test = " + registry.url());
        settings(HTTP, "stores.registry.test = " + store);
    }

    @AfterAll
    static void stop() throws Exception {
        daemon.close();
        registry.close();
        web.destroy();
        if (!web.waitFor(10, TimeUnit.SECONDS)) web.destroyForcibly().waitFor();
    }

    @AfterEach
    void noRoutes() throws Exception {
        Files.deleteIfExists(etc(ROUTES));
        Outcome.of("rm", "-rf", daemon.dataRoot().resolve("archives").toString());
        settings(DISTRIBUTION, "mirrors.registry.test = " + registry.url());
        await(() ->
                !daemon.wharf("driver", "inspect", "distribution").outOrThrow().contains("route "));
    }

    @Test
    void aFolderOfCertificatesBesideTheSettingsIsNoBundle() {
        assertThat(daemon.log()).content().doesNotContain("certs.d");
    }

    @Test
    void theSameRepositoryComesFromWhereItsRouteLeadsAndTheJournalSaysFromWhere() throws Exception {
        offerArchive("app.tar");
        String from = position();

        route("registry.test/** distribution", "distribution");
        assertThat(pulled()).isEqualTo("registry");
        route("registry.test/team/* archive, ** distribution", "archive");
        assertThat(pulled()).isEqualTo("archive");
        route("*.test/** http distribution", "http");
        assertThat(pulled()).isEqualTo("store");

        assertThat(backends("image.resolved", from)).containsExactly("distribution", "archive", "http");
        assertThat(backends("layer.fetched", from)).containsExactly("distribution", "archive", "http");
        // What is over is told up to a second that is over.
        await(() -> daemon.docker(
                        "events",
                        "--since=5m",
                        "--until=0s",
                        "--filter=event=pull",
                        "--format={{index .Actor.Attributes \"wharf.backend\"}}")
                .outOrThrow()
                .endsWith("distribution\narchive\nhttp\n"));
        assertThat(daemon.wharf("why", IMAGE).outOrThrow()).contains("by way of http");
    }

    @Test
    void withoutARouteTheBackendOfTheHighestRankThatHasItServes() throws Exception {
        Files.move(etc(HTTP), folder.resolve("aside"), StandardCopyOption.REPLACE_EXISTING);
        try {
            await(() -> pulled().equals("registry"));
            offerArchive("app.tar");
            assertThat(pulled()).isEqualTo("archive");

            Files.delete(daemon.dataRoot().resolve("archives/app.tar"));
            assertThat(pulled()).isEqualTo("registry");
        } finally {
            Files.move(folder.resolve("aside"), etc(HTTP));
        }
    }

    @Test
    void wrongRoutesAreRefusedAndShownAndThoseBeforeStay() throws Exception {
        offerArchive("app.tar");
        route("registry.test/** archive", "archive");

        settings(ROUTES, "routes = registry.test/** Nowhere!");

        await(() -> daemon.wharf("driver", "inspect", "archive")
                .outOrThrow()
                .contains("refused   routes: \"Nowhere!\" is no name of a backend; the routes before stay"));
        assertThat(daemon.wharf("driver", "inspect", "archive").outOrThrow())
                .contains("route     registry.test/** archive");
        assertThat(pulled()).isEqualTo("archive");

        settings(ROUTES, "routes = registry.test/** nowhere");
        await(() -> !daemon.wharf("driver", "inspect", "archive").outOrThrow().contains("refused"));
        assertThat(daemon.docker("pull", IMAGE).err())
                .contains("the route \"registry.test/** nowhere\" leads to no registry backend that is there");
    }

    @Test
    void aWrongSettingOfABackendIsShownWhereItIsInspected() throws Exception {
        settings(DISTRIBUTION, "mirrors.registry.test = ftp://mirror.test\ntimeout.idle = soon");

        await(() -> daemon.wharf("driver", "inspect", "distribution")
                .outOrThrow()
                .contains("refused   invalid mirror \"ftp://mirror.test\""));
        assertThat(daemon.wharf("driver", "inspect", "distribution").outOrThrow())
                .contains("refused   timeout.idle = soon: expected a whole number");
        assertThat(daemon.wharf("driver", "inspect", "layout").outOrThrow()).doesNotContain("refused");
    }

    @Test
    void mirrorsAndCachesInFrontOfARegistryAreChangedWhileTheAgentServes() throws Exception {
        try (LoopbackRegistry mirror = LoopbackRegistry.start();
                LoopbackRegistry cache = LoopbackRegistry.inFrontOf(registry)) {
            push(mirror, "mirror");
            route("registry.test/** distribution", "distribution");
            assertThat(pulled()).isEqualTo("registry");

            settings(DISTRIBUTION, "mirrors.registry.test = " + mirror.url());
            String from = position();
            await(() -> pulled().equals("mirror"));
            assertThat(lastOf("layer.fetched", from)).contains("\"mirror\":\"" + mirror.host() + "\"");
            assertThat(lastOf("image.resolved", from)).contains(":\"" + mirror.host() + "\"");
            assertThat(daemon.wharf("why", IMAGE).outOrThrow())
                    .contains("by way of distribution from " + mirror.host());

            settings(DISTRIBUTION, "mirrors.registry.test = " + cache.url());
            await(() -> pulled().equals("registry"));
            assertThat(lastOf("layer.fetched", from)).contains("\"mirror\":\"" + cache.host() + "\"");
            assertThat(Outcome.of("curl", "--silent", cache.url() + "/v2/_catalog")
                            .outOrThrow())
                    .contains("team/app");
        }
    }

    // ---- what is offered

    private static Path layout(String label, Path at) throws Exception {
        new ImageMaker()
                .layer(layer -> layer.file("from", 0644, label + "\n".repeat(100_000)))
                .label("from", label)
                .into(new OciLayout(at), "1");
        return at;
    }

    private static void push(LoopbackRegistry to, String label) throws Exception {
        Path image = layout(label, folder.resolve("made").resolve(label));
        skopeo("oci:" + image + ":1", "docker://" + to.host() + "/team/app:1");
    }

    /** As somebody does who copies it there. */
    private static void offerArchive(String name) throws Exception {
        Path image = folder.resolve("made/archive");
        if (!Files.exists(image)) layout("archive", image);
        Path fresh = folder.resolve(name);
        Files.deleteIfExists(fresh);
        skopeo("oci:" + image + ":1", "docker-archive:" + fresh + ":" + IMAGE);
        Files.copy(
                fresh,
                Files.createDirectories(daemon.dataRoot().resolve("archives")).resolve(name));
    }

    private static void skopeo(String from, String to) throws Exception {
        Outcome.of(
                        List.of("skopeo", "copy", "--quiet", "--insecure-policy", "--dest-tls-verify=false", from, to),
                        Map.of(),
                        Duration.ofMinutes(1))
                .outOrThrow();
    }

    private static String serve(Path published) throws Exception {
        int port = LoopbackRegistry.freePort();
        web = new ProcessBuilder(
                        "python3",
                        "-m",
                        "http.server",
                        "--bind",
                        "127.0.0.1",
                        "--directory",
                        published.toString(),
                        Integer.toString(port))
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        await(() -> {
            try (Socket probe = new Socket(InetAddress.getLoopbackAddress(), port)) {
                return probe.isConnected();
            } catch (IOException e) {
                return false;
            }
        });
        return "http://127.0.0.1:" + port;
    }

    // ---- what is asked

    private static Path etc(String name) {
        return daemon.home().resolve("etc").resolve(name);
    }

    private static void settings(String name, String text) throws IOException {
        Files.writeString(etc(name), text + "\n");
    }

    private static void route(String routes, String backend) throws Exception {
        settings(ROUTES, "routes = " + routes);
        String first = routes.split(",")[0];
        await(() -> daemon.wharf("driver", "inspect", backend).outOrThrow().contains("route     " + first));
    }

    /** Pulls the image anew and answers where it is from; nothing where it did not come. */
    private static String pulled() throws Exception {
        daemon.docker("rmi", IMAGE);
        if (daemon.docker("pull", IMAGE).status() != 0) return "";
        return daemon.docker("image", "inspect", "--format={{.Config.Labels.from}}", IMAGE)
                .outOrThrow()
                .strip();
    }

    private static String position() throws Exception {
        return daemon.curl("/wharf/v1/journal/facts").outOrThrow().replaceAll("(?s).*\"end\":(\\d+).*", "$1");
    }

    private static String lastOf(String event, String from) throws Exception {
        return daemon.curl("/wharf/v1/journal?from=" + from)
                .outOrThrow()
                .lines()
                .filter(line -> line.contains("\"" + event + "\""))
                .reduce("", (before, line) -> line);
    }

    private static List<String> backends(String event, String from) throws Exception {
        return daemon.curl("/wharf/v1/journal?from=" + from)
                .outOrThrow()
                .lines()
                .filter(line -> line.contains("\"" + event + "\""))
                .map(line -> line.replaceAll(".*\"backend\":\"([a-z]+)\".*", "$1"))
                .toList();
    }

    private static void await(Callable<Boolean> condition) throws Exception {
        long end = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        while (!condition.call()) {
            if (System.nanoTime() > end) throw new AssertionError("not so within a minute");
            Thread.sleep(200);
        }
    }
}
