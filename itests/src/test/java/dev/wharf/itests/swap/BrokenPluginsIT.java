package dev.wharf.itests.swap;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.itests.conformance.SharedAgent;
import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.swap.candidates.HangsInCall;
import dev.wharf.itests.swap.candidates.HangsInStart;
import dev.wharf.itests.swap.candidates.LeavesThreads;
import dev.wharf.itests.swap.candidates.Sound;
import dev.wharf.itests.swap.candidates.ThrowsInProbe;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Candidates that are broken in every way there is: none gets in, each is told of, and nothing waits for it. */
@Timeout(120)
class BrokenPluginsIT {
    /** What a driver has for one answer here: enough for those that are shipped, on a busy machine, too. */
    private static final int INTERVIEW_SECONDS = 6;

    private static final String CANDIDATE = "candidate.jar";

    @TempDir
    private static Path folder;

    private static Daemon daemon;
    private static Plugins plugins;

    @BeforeAll
    static void start() throws Exception {
        Path home = Daemon.copyTo(folder.resolve("wharf"));
        Files.writeString(
                home.resolve("etc/wharfd.conf"),
                "wharf.driver.interview = " + INTERVIEW_SECONDS
                        + "s\nwharf.driver.call = 8s\nwharf.driver.drain = 2s\n");
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

    @AfterEach
    void takeOut() throws Exception {
        plugins.remove(CANDIDATE);
        await(() -> !serving("registry/layout").contains("planted."));
        assertThat(daemon.docker("run", "--rm", "busybox", "echo", "well").outOrThrow())
                .isEqualTo("well\n");
        assertThat(daemon.docker("exec", "web", "true").status()).isZero();
    }

    @ParameterizedTest
    @CsvSource({
        "ThrowsInActivate, registry/layout, it cannot be made",
        "HangsInActivate, registry/layout, its activation did not answer within 6 s",
        "ThrowsInProbe, registry/layout, it cannot say",
        "HangsInProbe, registry/layout, its probe did not answer within 6 s",
        "CannotWork, registry/layout, this host lacks everything",
        "HasNoName, registry/layout, it has no name",
        "CallsItselfOtherwise, registry/layout, it calls itself otherwise",
        "ThrowsInSurvey, storage/overlay, it cannot look",
        "HangsInSurvey, storage/overlay, its survey did not answer within 6 s",
        "FindsNothing, storage/overlay, it does not find snapshot",
        "FindsNobody, network/bridge, it does not find endpoint",
        "ReadsAnotherFormat, network/bridge, bridge-nft 1"
    })
    void aCandidateThatIsBrokenIsTurnedAwayInTimeAndTheJournalSaysWhy(String name, String driver, String reason)
            throws Exception {
        Class<?> candidate = Class.forName(Sound.class.getPackageName() + "." + name);
        String serving = serving(driver);
        long from = end();

        plugins.drop(plugins.candidate(candidate, Map.of()), CANDIDATE);

        // A second until the folder is looked at, its deadline, and what a busy machine adds.
        within(
                Duration.ofSeconds(INTERVIEW_SECONDS + 38),
                () -> rejections(from).contains(reason));
        assertThat(rejections(from))
                .contains(driver.substring(driver.indexOf('/') + 1))
                .contains("planted." + name);
        assertThat(serving(driver)).isEqualTo(serving);
    }

    /** Straight into the folder and with pauses, as over a slow network. */
    @Test
    void oneThatIsCopiedSlowlyIsAwaitedAndNotTurnedAway() throws Exception {
        long from = end();

        plugins.drip(plugins.candidate(Sound.class, Map.of()), CANDIDATE, Duration.ofMillis(1500));

        await(() -> serving("registry/layout").contains("planted.Sound"));
        assertThat(rejections(from)).isEmpty();
        assertThat(Files.readString(daemon.log())).doesNotContain("zip END header not found");
    }

    /** As a loss of power may leave what was written just before. */
    @Test
    void copiesThatAreDamagedAreMadeAnewFromTheFolder() throws Exception {
        SharedAgent.offerBusybox(folder.resolve("unlucky/data"));
        try (Daemon unlucky = Daemon.start(Daemon.copyTo(folder.resolve("its-wharf")), folder.resolve("unlucky"))) {
            SharedAgent.pullBusybox(unlucky);
            unlucky.stop();
            try (Stream<Path> kept = Files.walk(unlucky.dataRoot().resolve("plugins"))) {
                for (Path copy : kept.filter(p -> p.toString().endsWith(".jar")).toList()) {
                    Files.write(copy, new byte[0]);
                }
            }
            unlucky.restart();
            await(() -> unlucky.docker("run", "--rm", "busybox", "true").status() == 0);
        }
    }

    @Test
    void oneForAnotherVersionOfThePortsIsTurnedAwayBeforeAnyOfItRuns() throws Exception {
        String serving = serving("registry/layout");
        long from = end();

        plugins.drop(
                plugins.candidate(Sound.class, Map.of("Import-Package", "dev.wharf.spi.registry;version=\"[9,10)\",*")),
                CANDIDATE);

        within(Duration.ofSeconds(40), () -> rejections(from).contains("dev.wharf.spi.registry"));
        assertThat(serving("registry/layout")).isEqualTo(serving);
    }

    @Test
    void oneThatHangsInItsStartKeepsNoOtherPluginWaiting() throws Exception {
        plugins.drop(
                plugins.candidate(HangsInStart.class, Map.of("Bundle-Activator", HangsInStart.class.getName())),
                CANDIDATE);
        Thread.sleep(1500);
        plugins.drop(plugins.variant("dev.wharf.registry.layout.jar", "beside"), "dev.wharf.registry.layout.jar");
        String before = serving("registry/layout");

        within(
                Duration.ofSeconds(INTERVIEW_SECONDS + 38),
                () -> !serving("registry/layout").equals(before));
        assertThat(Files.readString(daemon.log())).contains("it did not start within 6 s");
    }

    @Test
    void oneThatLeavesAThreadIsToldOf() throws Exception {
        long from = end();

        plugins.drop(plugins.candidate(LeavesThreads.class, Map.of()), CANDIDATE);
        within(Duration.ofSeconds(40), () -> rejections(from).contains("it cannot work"));
        plugins.remove(CANDIDATE);

        within(Duration.ofSeconds(40), () -> rejections(from).contains("planted-thread"));
    }

    @Test
    void oneThatHangsInACallIsTakenOutOfServiceAndWhatServedBeforeServesOn() throws Exception {
        String before = serving("registry/layout");
        long from = end();
        plugins.drop(plugins.candidate(HangsInCall.class, Map.of()), CANDIDATE);
        within(Duration.ofSeconds(40), () -> serving("registry/layout").contains("HangsInCall"));

        Thread pull = new Thread(() -> docker("pull", "layout.local/busybox"));
        pull.start();
        Thread.sleep(300);
        assertThat(daemon.docker("run", "--rm", "busybox", "echo", "meanwhile").outOrThrow())
                .isEqualTo("meanwhile\n");

        within(Duration.ofSeconds(40), () -> serving("registry/layout").equals(before));
        assertThat(rejections(from)).contains("a call did not end within 8 s");
        pull.join(40_000);
        assertThat(pull.isAlive()).isFalse();
        assertThat(daemon.docker("pull", "layout.local/busybox").status()).isZero();
    }

    @Test
    void aFileThatIsReplacedByABrokenOneServesOnAsItWas() throws Exception {
        String before = serving("registry/layout");
        long from = end();

        plugins.drop(plugins.candidate(ThrowsInProbe.class, Map.of()), "dev.wharf.registry.layout.jar");

        within(Duration.ofSeconds(40), () -> rejections(from).contains("it cannot say"));
        Thread.sleep(500);
        assertThat(serving("registry/layout")).isEqualTo(before);
        plugins.drop(plugins.variant("dev.wharf.registry.layout.jar", "mended"), "dev.wharf.registry.layout.jar");
        within(Duration.ofSeconds(40), () -> !serving("registry/layout").equals(before));
    }

    private static void docker(String... arguments) {
        try {
            daemon.docker(arguments);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static String inspect(String driver) throws Exception {
        return daemon.curl("/wharf/v1/drivers/inspect?driver=" + driver).outOrThrow();
    }

    private static String serving(String driver) throws Exception {
        Matcher serving = Pattern.compile("\"serving\":\"([^\"]*)\"").matcher(inspect(driver));
        return serving.find() ? serving.group(1) : "";
    }

    private static long end() throws Exception {
        Matcher end = Pattern.compile("\"end\":(\\d+)")
                .matcher(daemon.curl("/wharf/v1/journal/facts").outOrThrow());
        assertThat(end.find()).isTrue();
        return Long.parseLong(end.group(1));
    }

    private static String rejections(long from) throws Exception {
        return daemon.curl("/wharf/v1/journal?from=" + from)
                .outOrThrow()
                .lines()
                .filter(line -> line.contains("driver.swap-rejected"))
                .reduce("", (a, b) -> a + b + "\n");
    }

    /** The same, and whoever asks for something is answered all the while. */
    private static void within(Duration deadline, Callable<Boolean> condition) throws Exception {
        long end = System.nanoTime() + deadline.toNanos();
        while (!condition.call()) {
            assertThat(daemon.ping().status()).isZero();
            if (System.nanoTime() > end) throw new AssertionError("not so within " + deadline);
            Thread.sleep(100);
        }
    }

    private static void await(Callable<Boolean> condition) throws Exception {
        within(Duration.ofSeconds(40), condition);
    }
}
