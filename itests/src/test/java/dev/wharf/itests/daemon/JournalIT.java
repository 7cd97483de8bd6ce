package dev.wharf.itests.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an operator sees of the journal: through the agent, without one, after a kill, and with a bit of it rotten. */
class JournalIT {
    @TempDir
    private Path folder;

    private static void makeVolumes(Daemon agent, String name, int count) throws Exception {
        for (int i = 1; i <= count; i++) {
            agent.docker("volume", "create", name + i).outOrThrow();
        }
    }

    private static String[] stored(Daemon agent, String... words) {
        return Stream.concat(
                        Stream.of(words),
                        Stream.of("--data-root", agent.dataRoot().toString()))
                .toArray(String[]::new);
    }

    @Test
    void theSameHostIsSeenThroughTheAgentAndWhereTheJournalLies() throws Exception {
        try (Daemon agent = Daemon.start(folder)) {
            makeVolumes(agent, "early", 1);
            String[] now = {"journal", "replay", "--to", position(agent), "--format", "json"};
            makeVolumes(agent, "late", 12);
            assertThat(agent.wharf("journal", "tail", "-n", "4", "--until", now[3])
                            .outOrThrow())
                    .as("the last before a place")
                    .contains("early1")
                    .doesNotContain("late1");
            String online = agent.wharf(now).outOrThrow();
            assertThat(online).contains("early1").doesNotContain("late1");
            assertThat(agent.wharf(stored(agent, "journal", "verify")).err()).contains("in use");

            agent.stop();

            assertThat(agent.wharf(stored(agent, now)).outOrThrow()).isEqualTo(online);
            assertThat(agent.wharf(stored(agent, "journal", "verify")).outOrThrow())
                    .contains("whole");
        }
    }

    private static String position(Daemon agent) throws Exception {
        String facts = agent.curl("/wharf/v1/journal/facts").outOrThrow();
        return facts.replaceAll("(?s).*\"end\":(\\d+).*", "$1");
    }

    @Test
    void aKillIsToldInTheJournalAndLosesNothing() throws Exception {
        try (Daemon agent = Daemon.start(folder)) {
            makeVolumes(agent, "kept", 5);

            agent.kill();
            agent.restart();

            assertThat(agent.docker("volume", "ls", "-q").outOrThrow().lines())
                    .contains("kept1", "kept2", "kept3", "kept4", "kept5");
            assertThat(agent.wharf("journal", "tail").outOrThrow()).contains("host.journal-recovered");
            assertThat(agent.wharf("journal", "verify").outOrThrow()).contains("whole");
        }
    }

    @Test
    void aFlippedBitIsFoundAndItsPlaceIsNamed() throws Exception {
        try (Daemon agent = Daemon.start(folder)) {
            makeVolumes(agent, "rotten", 3);
            agent.stop();

            flip(agent, "rotten2");

            Outcome without = agent.wharf(stored(agent, "journal", "verify"));
            assertThat(without.status()).isEqualTo(1);
            assertThat(without.out()).containsPattern("damaged: position \\d+: record \\d+ is unreadable");
            agent.restart();
            Outcome online = agent.wharf("journal", "verify");
            assertThat(online.status()).isEqualTo(1);
            assertThat(online.out()).isEqualTo(without.out());
            for (int start = 0; start < 2; start++) {
                makeVolumes(agent, "later" + start, 1);
                agent.stop();
                agent.restart();
            }
            assertThat(Files.readString(agent.log()).split("journal mended", -1))
                    .as("damage is told once")
                    .hasSize(2);
            try (Stream<Path> saved = Files.list(agent.dataRoot().resolve("journal/cut"))) {
                assertThat(saved).as("and saved once").hasSize(1);
            }
            assertThat(agent.wharf("journal", "verify").status()).isEqualTo(1);
        }
    }

    /** Changes one bit in the first record that says {@code word}. */
    private static void flip(Daemon agent, String word) throws Exception {
        try (Stream<Path> files = Files.list(agent.dataRoot().resolve("journal/queue"))) {
            for (Path file : files.filter(f -> f.toString().endsWith(".cq4")).toList()) {
                byte[] bytes = Files.readAllBytes(file);
                int at = new String(bytes, java.nio.charset.StandardCharsets.ISO_8859_1).indexOf(word);
                if (at >= 0) {
                    bytes[at] ^= 1;
                    Files.write(file, bytes);
                    return;
                }
            }
        }
        throw new AssertionError("no record says " + word);
    }

    @Test
    void theOtherKindServesWhereItIsChosenAndNeverBesideTheFirst() throws Exception {
        Path config = Files.createDirectory(folder.resolve("config"));
        Path settings = config.resolve("wharfd.conf");
        Files.writeString(settings, "wharf.journal.kind = file\n");
        try (Daemon agent = Daemon.start(folder.resolve("agent"), "--config-dir", config.toString())) {
            makeVolumes(agent, "plain", 1);
            assertThat(agent.dataRoot().resolve("journal/00000000000000000001.records"))
                    .exists();
            assertThat(agent.dataRoot().resolve("journal/queue")).doesNotExist();
            agent.stop();

            for (String other : List.of("chronicle", "papyrus")) {
                Files.writeString(settings, "wharf.journal.kind = " + other + "\n");
                Outcome refused = Daemon.run(
                        "--data-root",
                        agent.dataRoot().toString(),
                        "--exec-root",
                        agent.execRoot().toString(),
                        "--host",
                        agent.host(),
                        "--config-dir",
                        config.toString());
                assertThat(refused.status()).isEqualTo(1);
                assertThat(refused.err())
                        .contains(other.equals("chronicle") ? "set wharf.journal.kind=file" : "no kind of journal");
                assertThat(agent.dataRoot().resolve("journal/queue")).doesNotExist();
            }

            Files.writeString(settings, "wharf.journal.kind = file\n");
            agent.restart();
            assertThat(agent.docker("volume", "ls", "-q").outOrThrow()).contains("plain1");
        }
    }

    @Test
    void theLibraryBelowWritesNothingIntoTheLogAndNothingElsewhere() throws Exception {
        try (Daemon agent = Daemon.start(folder)) {
            makeVolumes(agent, "quiet", 1);
            agent.stop();

            assertThat(Files.readString(agent.log())).doesNotContain("openhft").doesNotContainIgnoringCase("jna");
        }
    }
}
