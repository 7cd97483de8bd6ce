package dev.wharf.itests.swap;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.itests.conformance.SharedAgent;
import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.daemon.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What people are told while a driver that containers stand on is away, and what comes of it when it is back. */
@Timeout(180)
class DriverAwayIT {
    private static final String OVERLAY = "dev.wharf.storage.overlay.jar";
    private static final String BRIDGE = "dev.wharf.network.bridge.jar";

    @TempDir
    private static Path folder;

    private static Daemon daemon;
    private static Plugins plugins;

    @BeforeAll
    static void start() throws Exception {
        Path home = Daemon.copyTo(folder.resolve("wharf"));
        plugins = new Plugins(home, Files.createDirectories(folder.resolve("workshop")));
        SharedAgent.offerBusybox(folder.resolve("agent/data"));
        daemon = Daemon.start(home, folder.resolve("agent"));
        SharedAgent.pullBusybox(daemon);
    }

    @AfterAll
    static void stop() throws Exception {
        daemon.close();
    }

    @AfterEach
    void allIsWellOnceItIsBack() throws Exception {
        plugins.drop(plugins.variant(OVERLAY, "back"), OVERLAY);
        plugins.drop(plugins.variant(BRIDGE, "back"), BRIDGE);
        await(() -> daemon.docker("ps", "--all", "--quiet").outOrThrow().isEmpty());
        assertThat(daemon.docker("run", "--rm", "busybox", "echo", "well").outOrThrow())
                .isEqualTo("well\n");
    }

    @Test
    void nobodyWaitsForEverNorForWhatCanBeDoneWithout() throws Exception {
        for (String name : new String[] {"one", "two", "three"}) {
            run(name);
        }
        takeAway(OVERLAY, "storage/overlay");

        long began = System.nanoTime();
        assertThat(daemon.docker("ps", "--size").outOrThrow()).contains("one", "two", "three");
        assertThat(daemon.docker("system", "df").outOrThrow()).contains("Containers");
        assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(10));

        Outcome commit = daemon.docker("commit", "one", "made");
        assertThat(commit.status()).isNotZero();
        assertThat(commit.err()).contains("no driver \"overlay\" is there");
        assertThat(daemon.curl("/wharf/v1/journal?from=0").outOrThrow()).doesNotContain("pause-requested");

        for (String name : new String[] {"one", "two", "three"}) {
            Outcome removal = daemon.docker("rm", "--force", name);
            assertThat(removal.status()).isNotZero();
            assertThat(removal.err()).contains("no driver \"overlay\" is there").contains("it is tried again");
        }
    }

    @Test
    void whatGoesByItselfSaysWhyItCannot() throws Exception {
        CompletableFuture<Outcome> client =
                CompletableFuture.supplyAsync(() -> docker("run", "--rm", "--name=goes", "busybox", "sleep", "5"));
        await(() -> daemon.docker("ps", "--quiet", "--filter=name=goes")
                        .outOrThrow()
                        .length()
                > 1);
        takeAway(OVERLAY, "storage/overlay");

        Outcome end = client.get(60, TimeUnit.SECONDS);
        assertThat(end.status()).isEqualTo(125);
        assertThat(end.err()).contains("Error waiting for container: no driver");
    }

    @Test
    void aNetworkModeThatIsAwayKeepsNobodyWaiting() throws Exception {
        daemon.docker("network", "create", "own").outOrThrow();
        run("web");
        daemon.docker("network", "connect", "own", "web").outOrThrow();
        takeAway(BRIDGE, "network/bridge");

        Outcome leave = daemon.docker("network", "disconnect", "own", "web");
        assertThat(leave.status()).isNotZero();
        assertThat(leave.err()).contains("no driver \"bridge\" is there");
        Outcome removal = daemon.docker("network", "rm", "own");
        assertThat(removal.status()).isNotZero();
        Outcome run = daemon.docker("run", "--rm", "busybox", "true");
        assertThat(run.status()).isEqualTo(125);
        assertThat(run.err()).contains("no driver \"bridge\" is there");

        daemon.docker("rm", "--force", "web");
    }

    @Test
    void aFileThatWasDamagedIsStoodInForAfterARestart() throws Exception {
        run("web");
        plugins.damage(OVERLAY);
        daemon.kill();
        daemon.restart();

        await(() -> inspect("storage/overlay").contains(" serving"));
        assertThat(inspect("storage/overlay")).contains(OVERLAY).contains("rejected");
        assertThat(daemon.docker("run", "--rm", "busybox", "echo", "stood in").outOrThrow())
                .isEqualTo("stood in\n");
        daemon.docker("rm", "--force", "web").outOrThrow();
    }

    @Test
    void aFileThatWentWhileTheAgentWasDownIsKnownToBeAway() throws Exception {
        daemon.stop();
        plugins.remove(BRIDGE);
        daemon.restart();

        await(() -> daemon.wharf("driver", "ls").outOrThrow().contains("no driver is there"));
    }

    private static void run(String name) throws Exception {
        daemon.docker("run", "--detach", "--name=" + name, "busybox", "sleep", "600")
                .outOrThrow();
    }

    private static Outcome docker(String... arguments) {
        try {
            return daemon.docker(arguments);
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static void takeAway(String plugin, String driver) throws Exception {
        plugins.remove(plugin);
        await(() -> !inspect(driver).contains(" serving"));
    }

    private static String inspect(String driver) throws Exception {
        return daemon.wharf("driver", "inspect", driver).outOrThrow();
    }

    private static void await(Callable<Boolean> condition) throws Exception {
        long end = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        while (!condition.call()) {
            if (System.nanoTime() > end) throw new AssertionError("not so within a minute");
            Thread.sleep(200);
        }
    }
}
