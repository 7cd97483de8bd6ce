package dev.wharf.itests.osgi;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.itests.conformance.SharedAgent;
import dev.wharf.itests.daemon.Daemon;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The plugins folder as an operator uses it while the agent serves: with {@code cp}, {@code mv} and {@code rm}. */
class PluginsIT {
    private static final String LAYOUT = "dev.wharf.registry.layout.jar";
    private static final String OVERLAY = "dev.wharf.storage.overlay.jar";
    private static final String BRIDGE = "dev.wharf.network.bridge.jar";

    @TempDir
    private Path folder;

    private Path home;

    @BeforeEach
    void install() throws Exception {
        home = Daemon.copyTo(folder.resolve("wharf"));
    }

    @Test
    void aBundleThatIsDroppedInIsLiveAndGoneWhenItIsRemoved() throws Exception {
        remove(LAYOUT);
        SharedAgent.offerBusybox(folder.resolve("agent/data"));
        try (Daemon daemon = Daemon.start(home, folder.resolve("agent"))) {
            assertThat(drivers(daemon)).doesNotContainPattern("registry +layout ");
            assertThat(daemon.docker("pull", "layout.local/busybox").status()).isNotZero();

            drop(LAYOUT);
            await(daemon, serves("registry", "layout"));
            daemon.docker("pull", "layout.local/busybox").outOrThrow();
            daemon.docker("rmi", "layout.local/busybox").outOrThrow();

            remove(LAYOUT);
            await(daemon, serves("registry", "layout").negate());
            assertThat(daemon.docker("pull", "layout.local/busybox").status()).isNotZero();
        }
    }

    @Test
    void containersRunOnWithoutTheDriversThatTheyStandOn() throws Exception {
        SharedAgent.offerBusybox(folder.resolve("agent/data"));
        try (Daemon daemon = Daemon.start(home, folder.resolve("agent"))) {
            SharedAgent.pullBusybox(daemon);
            daemon.docker("run", "--detach", "--name=web", "busybox", "sleep", "300")
                    .outOrThrow();

            remove(OVERLAY);
            remove(BRIDGE);
            await(daemon, serves("storage", "overlay").negate());
            await(daemon, serves("network", "bridge").negate());
            assertThat(daemon.docker("exec", "web", "echo", "here").outOrThrow())
                    .isEqualTo("here\n");

            drop(OVERLAY);
            drop(BRIDGE);
            await(daemon, serves("storage", "overlay"));
            await(daemon, serves("network", "bridge"));
            assertThat(daemon.docker("exec", "web", "cat", "/sys/class/net/eth0/operstate")
                            .outOrThrow())
                    .isEqualTo("up\n");
            assertThat(daemon.docker("run", "--rm", "busybox", "echo", "new").outOrThrow())
                    .isEqualTo("new\n");
            daemon.docker("rm", "--force", "web").outOrThrow();
        }
    }

    @Test
    void aDriverIsReplacedUnderARunningContainer() throws Exception {
        SharedAgent.offerBusybox(folder.resolve("agent/data"));
        try (Daemon daemon = Daemon.start(home, folder.resolve("agent"))) {
            SharedAgent.pullBusybox(daemon);
            daemon.docker("run", "--detach", "--name=web", "busybox", "sleep", "300")
                    .outOrThrow();
            long served = timesServed(daemon);

            // The same bytes would be the same plugin, and nothing to replace.
            try (FileSystem jar = FileSystems.newFileSystem(
                    Files.copy(home.resolve("plugins").resolve(OVERLAY), folder.resolve(OVERLAY)))) {
                Files.writeString(jar.getPath("newer.txt"), "newer");
            }
            Files.move(
                    folder.resolve(OVERLAY),
                    home.resolve("plugins").resolve(OVERLAY),
                    StandardCopyOption.REPLACE_EXISTING);

            awaitTrue(() -> timesServed(daemon) > served);
            assertThat(daemon.docker("exec", "web", "echo", "here").outOrThrow())
                    .isEqualTo("here\n");
            assertThat(daemon.docker("run", "--rm", "busybox", "echo", "new").outOrThrow())
                    .isEqualTo("new\n");
            daemon.docker("rm", "--force", "web").outOrThrow();
        }
    }

    /** In one piece, as {@code mv} does it, and newer than what stood there. */
    private void drop(String plugin) throws IOException {
        Path fresh = Files.copy(Daemon.distribution().resolve("plugins").resolve(plugin), folder.resolve(plugin));
        Files.move(fresh, home.resolve("plugins").resolve(plugin), StandardCopyOption.REPLACE_EXISTING);
    }

    private void remove(String plugin) throws IOException {
        Files.delete(home.resolve("plugins").resolve(plugin));
    }

    private static String drivers(Daemon daemon) throws IOException, InterruptedException {
        return daemon.wharf("driver", "ls").outOrThrow();
    }

    private static Predicate<String> serves(String kind, String name) {
        return Pattern.compile("^" + kind + " +" + name + " +dev\\.wharf\\..* ready$", Pattern.MULTILINE)
                .asPredicate();
    }

    private static long timesServed(Daemon daemon) throws IOException {
        try (var lines = Files.lines(daemon.log())) {
            return lines.filter(line -> line.contains("driver serves kind=storage name=overlay"))
                    .count();
        }
    }

    private static void await(Daemon daemon, Predicate<String> drivers) throws Exception {
        awaitTrue(() -> drivers.test(drivers(daemon)));
    }

    /** The folder is looked at once a second. */
    private static void awaitTrue(Callable<Boolean> condition) throws Exception {
        long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        while (!condition.call()) {
            if (System.nanoTime() > deadline) throw new AssertionError("not so within thirty seconds");
            Thread.sleep(100);
        }
    }
}
