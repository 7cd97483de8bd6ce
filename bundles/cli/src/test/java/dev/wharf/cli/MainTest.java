package dev.wharf.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.TimeZone;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(120)
class MainTest {
    private static final String STARTED = "{\"position\":1045,\"index\":0,\"at\":\"2026-05-01T08:31:02.113Z\","
            + "\"type\":\"container.started\",\"subject\":\"container:ab\",\"name\":\"web\","
            + "\"story\":\"started (pid 4711)\",\"by\":\"uid 0 (docker)\",\"data\":{}}\n";
    private static final String RECORDED =
            "{\"position\":1046,\"at\":\"2026-05-01T08:31:03Z\",\"type\":\"container.recorded\","
                    + "\"name\":\"web\",\"story\":\"written down whole\",\"by\":\"\"}\n";

    @TempDir
    private Path folder;

    private final Map<String, String> environment = new HashMap<>();
    private final TimeZone zone = TimeZone.getDefault();
    private FakeAgent agent;
    private boolean terminal;

    /** How a command line ended. */
    private record Run(int status, String out, String err) {}

    @BeforeEach
    void open() throws IOException {
        TimeZone.setDefault(TimeZone.getTimeZone("UTC"));
        agent = new FakeAgent(folder.resolve("s"));
        environment.put("WHARF_HOST", agent.host());
    }

    @AfterEach
    void close() throws IOException {
        agent.close();
        TimeZone.setDefault(zone);
    }

    private Run wharf(String... arguments) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        Surroundings surroundings =
                new Surroundings(new ByteArrayInputStream(new byte[0]), out, err, environment, terminal, false);
        int status = Main.run(surroundings, arguments);
        return new Run(status, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "ps",
                "inspect",
                "diff",
                "why",
                "history",
                "prune",
                "undelete",
                "journal",
                "journal tail",
                "journal story",
                "journal replay",
                "journal verify",
                "journal facts",
                "explain",
                "driver",
                "driver ls",
                "network",
                "network reconcile",
                "shell",
                "doctor",
                "support-bundle",
                "completion",
                "version"
            })
    void everyCommandHasHelpWithAnExample(String command) {
        Run help = wharf((command + " --help").strip().split(" "));

        assertThat(help.status()).isZero();
        assertThat(help.out())
                .contains("Usage: wharf", "Example", "wharf " + command)
                .doesNotContain("\u001b");
        assertThat(help.err()).isEmpty();
    }

    @Test
    void aMisuseIsOneLineAndStatusTwo() {
        assertThat(wharf()).isEqualTo(new Run(2, "", "wharf: a command is missing (wharf --help shows how)\n"));
        assertThat(wharf("journal", "replay").err())
                .isEqualTo("wharf journal replay: Missing required option: '--to=PLACE' (wharf journal replay --help"
                        + " shows how)\n");
        assertThat(wharf("journal", "tail", "--from", "yesterdayish").status()).isEqualTo(2);
        assertThat(wharf("--host", "tcp://1.2.3.4", "driver", "ls").status()).isEqualTo(2);
        assertThat(wharf("jurnal").status()).isEqualTo(2);
    }

    @Test
    void anAgentThatIsNotThereIsOneLineAndStatusOne() {
        Run run = wharf("--host", "unix:///nonexistent/s", "driver", "ls");

        assertThat(run.status()).isEqualTo(1);
        assertThat(run.err()).startsWith("wharf: cannot reach an agent at unix:///nonexistent/s: no such socket");
        assertThat(run.err().lines()).hasSize(1);
    }

    @Test
    void theAgentsOwnWordsAreShownWhenItRefuses() {
        Run run = wharf("explain", "nobody");

        assertThat(run).isEqualTo(new Run(1, "", "wharf: not here\n"));
        assertThat(agent.asked()).containsExactly("/wharf/v1/explain/nobody");
    }

    @Test
    void theHostOptionGoesBeforeTheEnvironmentAndWharfHostBeforeDockerHost() {
        agent.answer("/wharf/v1/drivers", "[]");
        environment.put("DOCKER_HOST", "unix:///nonexistent/docker");
        assertThat(wharf("driver", "ls").status()).isZero();

        environment.put("WHARF_HOST", "");
        assertThat(wharf("driver", "ls").err()).contains("/nonexistent/docker");
        assertThat(wharf("driver", "ls", "--host", agent.host()).status()).isZero();
    }

    @Test
    void theStoryIsToldInPlainWordsAndLeavesOutBookkeeping() {
        agent.answer("/wharf/v1/journal?from=0", STARTED + RECORDED);

        assertThat(wharf("journal", "story").out())
                .isEqualTo(
                        "-- 2026-05-01\n08:31:02.113  web             started (pid 4711) — asked by uid 0 (docker)\n");
    }

    @Test
    void theTailShowsPositionsAndTypes() {
        agent.answer("/wharf/v1/journal?last=20", STARTED + RECORDED);

        assertThat(wharf("journal", "tail").out().lines())
                .contains(
                        "   1045  08:31:02.113  web             container.started            started (pid 4711) [uid 0"
                                + " (docker)]")
                .anyMatch(line -> line.contains("container.recorded"));
    }

    @Test
    void forProgramsTheLinesAreLeftAsTheyAre() {
        agent.answer("/wharf/v1/journal?subject=we%20b&follow=true&from=7&until=9", STARTED);

        Run run =
                wharf("journal", "tail", "-f", "--subject", "we b", "--from", "7", "--until", "9", "--format", "json");

        assertThat(run).isEqualTo(new Run(0, STARTED, ""));
    }

    @Test
    void coloursAreForTerminalsOfPeopleWhoDidNotSayNo() {
        agent.answer("/wharf/v1/journal?from=0", STARTED);
        assertThat(wharf("journal", "story").out()).doesNotContain("\u001b[");

        terminal = true;
        assertThat(wharf("journal", "story").out()).contains("\u001b[1mweb");

        environment.put("NO_COLOR", "1");
        assertThat(wharf("journal", "story").out()).doesNotContain("\u001b[");
    }

    @Test
    void aDamagedJournalIsStatusOne() {
        agent.answer("/wharf/v1/journal/verify", "{\"whole\":false,\"damage\":\"at 12: checksum\"}");

        assertThat(wharf("journal", "verify")).isEqualTo(new Run(1, "The journal is damaged: at 12: checksum\n", ""));

        agent.answer(
                "/wharf/v1/journal/verify",
                "{\"whole\":true,\"damage\":null,\"origin\":0,\"end\":12,\"head\":\"sha256:00\"}");
        assertThat(wharf("journal", "verify"))
                .isEqualTo(new Run(0, "The journal is whole: positions 0 to 12, head sha256:00\n", ""));
    }

    @Test
    void replayShowsTheHostAsItWas() {
        agent.answer(
                "/wharf/v1/host?at=1041",
                "{\"containers\":[{\"name\":\"web\",\"id\":\"abc\",\"image\":\"nginx\",\"state\":\"running\","
                        + "\"addresses\":[\"10.88.0.7/16\"]}],\"images\":[],\"networks\":[],\"volumes\":[]}");

        assertThat(wharf("journal", "replay", "--to", "1041").out()).isEqualTo("""
                        Containers
                        NAME   ID    IMAGE   STATE     ADDRESSES
                        web    abc   nginx   running   10.88.0.7/16

                        Images: none

                        Networks: none

                        Volumes: none

                        """);
    }

    @Test
    void anExplanationShowsGoalFactsAndWhatComesNext() {
        agent.answer(
                "/wharf/v1/explain/web",
                "{\"name\":\"web\",\"subject\":\"container:ab\",\"goal\":\"running\",\"facts\":[{\"what\":\"rootfs\","
                        + "\"certainty\":\"present\",\"value\":\"snapshot x\"},{\"what\":\"mount\",\"certainty\":"
                        + "\"absent\",\"value\":\"\"}],\"trouble\":[],\"next\":[\"mounts the file system\"]}");

        assertThat(wharf("explain", "web").out()).isEqualTo("""
                        web  container:ab

                        Goal      running
                        Facts     + rootfs            snapshot x
                                  - mount             absent
                        Next      mounts the file system
                        """);
    }

    @Test
    void theContainersOfThenAreATable() {
        agent.answer(
                "/wharf/v1/containers?at=1041&all=true",
                "{\"position\":1041,\"at\":\"2026-05-01T10:30:00Z\",\"containers\":[{\"Id\":\"0123456789abcdef\","
                        + "\"Image\":\"nginx\",\"Command\":\"nginx -g daemon off; and more words\",\"Status\":\"Up 5"
                        + " minutes\",\"Names\":[\"/web\"],\"Ports\":[{\"IP\":\"0.0.0.0\",\"PrivatePort\":80,"
                        + "\"PublicPort\":8080,\"Type\":\"tcp\"}]}]}");

        assertThat(wharf("ps", "--at", "1041", "-a").out()).isEqualTo("""
                        -- 2026-05-01 10:30:00.000, position 1041
                        CONTAINER ID   IMAGE   COMMAND                    STATUS         PORTS                  NAMES
                        0123456789ab   nginx   nginx -g daemon off; an…   Up 5 minutes   0.0.0.0:8080->80/tcp   web
                        """);
    }

    @Test
    void aDifferenceShowsOldAndNewValues() {
        agent.answer(
                "/wharf/v1/diff?from=7&to=9",
                "{\"from\":{\"position\":7,\"at\":\"2026-05-01T10:00:00Z\"},\"to\":{\"position\":9,\"at\":"
                        + "\"2026-05-01T10:30:00Z\"},\"changes\":[{\"kind\":\"container\",\"name\":\"web\",\"id\":\"ab\","
                        + "\"change\":\"changed\",\"fields\":[{\"field\":\"state\",\"old\":\"running\",\"new\":\"exited\"}]},"
                        + "{\"kind\":\"volume\",\"name\":\"data\",\"id\":\"data\",\"change\":\"added\",\"fields\":["
                        + "{\"field\":\"driver\",\"old\":\"\",\"new\":\"local\"}]}]}");

        assertThat(wharf("diff", "7", "9").out()).isEqualTo("""
                        -- from 2026-05-01 10:00:00.000 (7) to 2026-05-01 10:30:00.000 (9)
                        ~ container web  ab
                            state             running -> exited
                        + volume data
                            driver            local
                        """);
    }

    @Test
    void whySaysWhoAskedAndHowItEnded() {
        agent.answer(
                "/wharf/v1/why/web",
                "{\"kind\":\"container\",\"name\":\"web\",\"id\":\"abcdef\",\"state\":\"exited\",\"asked\":[{\"at\":"
                        + "\"2026-05-01T10:00:00Z\",\"what\":\"shall stop\",\"by\":\"root (docker)\",\"actor\":{\"kind\":"
                        + "\"peer\",\"details\":{\"uid\":\"0\",\"gid\":\"0\",\"pid\":\"77\",\"loginuid\":\"1000\"}},\"then\":"
                        + "[{\"at\":\"2026-05-01T10:00:01Z\",\"what\":\"exited with code 143\"}]}],\"end\":{\"at\":"
                        + "\"2026-05-01T10:00:01Z\",\"exitCode\":143,\"signal\":\"SIGTERM\",\"why\":\"root had it"
                        + " stopped\"}}");

        assertThat(wharf("why", "web").out()).isEqualTo("""
                        container web  abcdef
                        State    exited
                        Ended    2026-05-01 10:00:01.000, because root had it stopped
                                 exit code 143, signal SIGTERM
                        -- 2026-05-01
                        10:00:00.000  shall stop — asked by root (docker) [uid 0, gid 0, pid 77, login uid 1000]
                        10:00:01.000    exited with code 143
                        """);
    }

    @Test
    void theCommandLineIsForAShellAndItsNotesAreBesideIt() {
        agent.answer("/wharf/v1/as-run/web", "{\"line\":\"docker run -d web\",\"notes\":[\"mind the gap\"]}");

        assertThat(wharf("history", "web", "--as-run"))
                .isEqualTo(new Run(0, "docker run -d web\n", "note: mind the gap\n"));
    }

    @Test
    void nothingIsPrunedThatWasNotShown() {
        agent.answer(
                "/wharf/v1/prune?kind=container",
                "{\"items\":[{\"kind\":\"container\",\"name\":\"web\",\"id\":\"ab\",\"standing\":\"never ran\","
                        + "\"sizeBytes\":2048}],\"reclaimableBytes\":2048,\"token\":\"7-c-x-0-ab\"}");

        assertThat(wharf("prune").status()).isEqualTo(2);
        assertThat(wharf("prune", "--dry-run", "--plan", "7-c-x-0-ab").status()).isEqualTo(2);
        assertThat(wharf("prune", "--dry-run", "--kind", "container").out())
                .contains("container   web    ab   2.0 kB   never ran", "wharf prune --plan 7-c-x-0-ab");
    }

    @Test
    void whatIsKeptIsListedAndHadBack() {
        agent.answer("/wharf/v1/undelete", "{\"retention\":\"\",\"kept\":[]}")
                .answer("/wharf/v1/undelete/web?as=web2", "{\"kind\":\"container\",\"name\":\"web2\"}");

        assertThat(wharf("undelete", "--list").out()).contains("wharf.undelete.retention is not set");
        assertThat(wharf("undelete", "web", "--as", "web2").out()).isEqualTo("container web2 is back\n");
        assertThat(wharf("undelete").status()).isEqualTo(2);
        assertThat(wharf("undelete", "web", "--purge", "--as", "web2").status()).isEqualTo(2);
    }

    @Test
    void driversAreATable() {
        agent.answer(
                "/wharf/v1/drivers",
                "[{\"kind\":\"storage\",\"name\":\"overlay\",\"serving\":\"dev.wharf.storage.overlay/0.1.0\","
                        + "\"formats\":[\"overlay 1\"],\"rank\":10,\"ready\":true,\"why\":\"\","
                        + "\"usedBy\":{\"containers\":1,\"layers\":3,\"networks\":0}}]");

        assertThat(wharf("driver", "ls").out().lines())
                .element(1)
                .asString()
                .containsSubsequence("storage", "overlay", "overlay 1", "10", "1 container, 3 layers", "ready");
    }

    @Test
    void aReaderThatHasSeenEnoughIsNoFailure() {
        agent.answer("/wharf/v1/journal?from=0", STARTED.repeat(1000));

        assertThat(wharfInto("Broken pipe", "journal", "story")).isEqualTo(new Run(0, "", ""));
    }

    @Test
    void whoeverKeepsTheOutputHearsThatItIsNotWhole() {
        agent.answer("/wharf/v1/journal?from=0", STARTED);

        assertThat(wharfInto("No space left on device", "journal", "story"))
                .isEqualTo(new Run(1, "", "wharf: cannot write the output: No space left on device\n"));
    }

    /** With an output that takes nothing, for that reason. */
    private Run wharfInto(String reason, String... arguments) {
        OutputStream gone = new OutputStream() {
            @Override
            public void write(int b) throws IOException {
                throw new IOException(reason);
            }
        };
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        int status = Main.run(
                new Surroundings(new ByteArrayInputStream(new byte[0]), gone, err, environment, false, false),
                arguments);
        return new Run(status, "", err.toString(StandardCharsets.UTF_8));
    }

    @Test
    void theHistoryOfNobodyIsAFailure() {
        agent.answer("/wharf/v1/journal?subject=nobody&from=0", "\n");

        assertThat(wharf("history", "nobody"))
                .isEqualTo(new Run(1, "", "wharf: the journal knows of nothing called nobody\n"));
    }

    @Test
    void theVersionOfTheAgentIsShownBesideOurOwn() {
        assertThat(wharf("version").status()).isEqualTo(1);

        agent.answer(
                "/wharf/v1/agent", "{\"version\":\"0.1.0\",\"java\":\"17\",\"startedAt\":\"2026-05-01T08:00:00Z\"}");
        assertThat(wharf("version").out()).contains("wharf   ", "wharfd  0.1.0  (Java 17");
    }
}
