package dev.wharf.itests.swap;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.itests.conformance.SharedAgent;
import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.daemon.Outcome;
import dev.wharf.itests.swap.candidates.Sound;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What an operator does to drivers by {@code wharf driver}, while a container stands on them and over restarts. */
@Timeout(120)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class DriverCommandsIT {
    private static final String OVERLAY = "dev.wharf.storage.overlay.jar";
    private static final String LAYOUT = "dev.wharf.registry.layout.jar";

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
        daemon.docker("run", "--detach", "--name=web", "busybox", "sleep", "600")
                .outOrThrow();
    }

    @AfterAll
    static void stop() throws Exception {
        daemon.close();
    }

    @Test
    @Order(1)
    void whatWasReplacedServesAgainAfterARollbackAndAfterARestart() throws Exception {
        String shipped = serving("storage/overlay");
        plugins.drop(plugins.variant(OVERLAY, "newer"), OVERLAY);
        await(() -> !serving("storage/overlay").equals(shipped));
        String newer = serving("storage/overlay");
        assertThat(inspect("storage/overlay")).contains("before    " + shipped);

        assertThat(daemon.wharf("driver", "rollback", "storage/overlay").outOrThrow())
                .isEqualTo("storage/overlay is served by " + shipped + " in place of " + newer + "\n");

        assertThat(serving("storage/overlay")).isEqualTo(shipped);
        assertThat(inspect("storage/overlay")).contains("chosen    " + shipped);
        containersGoOn();
        daemon.stop();
        daemon.restart();
        assertThat(serving("storage/overlay")).isEqualTo(shipped);
        containersGoOn();

        assertThat(daemon.wharf("driver", "rollback", "storage/overlay").outOrThrow())
                .contains("is served by " + newer);
        daemon.kill();
        daemon.restart();
        assertThat(serving("storage/overlay")).isEqualTo(newer);
        containersGoOn();
        assertThat(daemon.curl("/wharf/v1/journal/verify").outOrThrow()).contains("\"whole\":true");
    }

    @Test
    @Order(2)
    void anImplementationThatIsChosenServesWhateverTheRanks() throws Exception {
        String shipped = serving("layout");
        plugins.drop(plugins.candidate(Sound.class, Map.of()), "sound.jar");
        await(() -> serving("layout").contains("planted.Sound"));
        String sound = serving("layout");

        assertThat(daemon.wharf("driver", "swap", "layout", shipped).outOrThrow())
                .isEqualTo("registry/layout is served by " + shipped + " in place of " + sound + "\n");

        assertThat(daemon.curl("/wharf/v1/journal?from=0").outOrThrow().lines())
                .anyMatch(l -> l.contains("driver.handed-over") && l.contains("\"from\":\"" + sound + "\""));
        assertThat(inspect("layout")).contains("chosen    " + shipped).contains("an operator chose " + shipped);
        assertThat(daemon.wharf("driver", "swap", "layout", shipped).outOrThrow())
                .isEqualTo("layout is served by " + shipped + " already\n");
        Outcome unknown = daemon.wharf("driver", "swap", "layout", "nobody/1.0");
        assertThat(unknown.status()).isNotZero();
        assertThat(unknown.err()).contains("no implementation nobody/1.0 of registry/layout is there");
        daemon.stop();
        daemon.restart();
        assertThat(serving("layout")).isEqualTo(shipped);
        plugins.remove("sound.jar");
        // It stays in memory as what served before, and goes from the list of those that are there.
        await(() -> inspect("layout").lines().noneMatch(line -> line.startsWith("planted.Sound")));
        assertThat(serving("layout")).isEqualTo(shipped);
    }

    @Test
    @Order(3)
    void whatCouldNotWorkServesOnceItIsMendedAndAskedAgain() throws Exception {
        Path settings = daemon.home().resolve("etc/dev.wharf.registry.layout.cfg");
        Path root = folder.resolve("no-folder");
        Files.writeString(root, "a file");
        Files.writeString(settings, "root = " + root + "\n");
        daemon.stop();
        plugins.drop(plugins.variant(LAYOUT, "of another day"), LAYOUT);
        daemon.restart();
        await(() -> inspect("layout").contains(root + " is not a directory"));

        Files.delete(root);
        Files.createDirectories(root);

        assertThat(daemon.wharf("driver", "probe", "layout").outOrThrow()).containsPattern("serving *\\n");
        assertThat(daemon.wharf("driver", "ls").outOrThrow()).containsPattern("registry +layout .* ready");
        Outcome unknown = daemon.wharf("driver", "probe", "nobody");
        assertThat(unknown.status()).isNotZero();
        assertThat(unknown.err()).contains("No such driver: nobody");
    }

    private static void containersGoOn() throws Exception {
        assertThat(daemon.docker("exec", "web", "echo", "here").outOrThrow()).isEqualTo("here\n");
        assertThat(daemon.docker("run", "--rm", "busybox", "echo", "new").outOrThrow())
                .isEqualTo("new\n");
    }

    private static String inspect(String driver) throws Exception {
        return daemon.wharf("driver", "inspect", driver).outOrThrow();
    }

    private static String serving(String driver) throws Exception {
        Matcher serving = Pattern.compile("(\\S+) +-?\\d+ +serving").matcher(inspect(driver));
        return serving.find() ? serving.group(1) : "";
    }

    private static void await(Callable<Boolean> condition) throws Exception {
        long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (!condition.call()) {
            if (System.nanoTime() > end) throw new AssertionError("not so within twenty seconds");
            Thread.sleep(100);
        }
    }
}
