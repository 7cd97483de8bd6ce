package dev.wharf.itests.housekeeping;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.wharf.itests.conformance.SharedAgent;
import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.daemon.Outcome;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Jobs that keep a host tidy, on a real agent. */
@Timeout(120)
class HousekeepingIT {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    private Path folder;

    private static JsonNode json(Outcome outcome) throws Exception {
        return JSON.readTree(outcome.out());
    }

    private static JsonNode wharf(Daemon daemon, String... command) throws Exception {
        List<String> all = new ArrayList<>(List.of(command));
        all.addAll(List.of("--format", "json"));
        return json(daemon.wharf(all.toArray(String[]::new)));
    }

    private static List<JsonNode> lines(JsonNode report) {
        return StreamSupport.stream(report.path("lines").spliterator(), false).toList();
    }

    private static void await(Callable<Boolean> condition) throws Exception {
        long end = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        while (!condition.call()) {
            if (System.nanoTime() > end) throw new AssertionError("not so within a minute");
            Thread.sleep(100);
        }
    }

    @Test
    void aDryRunShowsExactlyWhatARunCollectsAndUsedImagesStay() throws Exception {
        try (Daemon daemon = SharedAgent.withBusybox(folder)) {
            for (String name : List.of("one", "two")) {
                daemon.docker("run", "--name", name, "busybox", "sh", "-c", "head -c 300000 /dev/urandom > /" + name)
                        .outOrThrow();
                daemon.docker("commit", name, "made/" + name).outOrThrow();
                daemon.docker("rm", name).outOrThrow();
            }
            daemon.docker("run", "--detach", "--name", "user", "made/two", "sleep", "1000")
                    .outOrThrow();
            String[] gc = {"gc", "--unused-for", "0s", "--min-age", "0s"};

            JsonNode dry = wharf(
                    daemon, Stream.concat(Stream.of(gc), Stream.of("--dry-run")).toArray(String[]::new));
            assertThat(daemon.docker("image", "ls", "--quiet")
                            .outOrThrow()
                            .lines()
                            .distinct())
                    .as("nothing went")
                    .hasSize(3);
            JsonNode kept = wharf(
                    daemon,
                    Stream.concat(Stream.of(gc), Stream.of("--dry-run", "--keep-reference", "made/*"))
                            .toArray(String[]::new));
            assertThat(lines(kept)).isEmpty();
            JsonNode real = wharf(daemon, gc);

            assertThat(lines(dry)).hasSize(1);
            assertThat(lines(dry).get(0).path("name").asText()).isEqualTo("made/one:latest");
            assertThat(lines(dry).get(0).path("sizeBytes").asLong()).isGreaterThanOrEqualTo(300_000);
            assertThat(lines(real).get(0).path("id"))
                    .isEqualTo(lines(dry).get(0).path("id"));
            assertThat(lines(real)).hasSameSizeAs(lines(dry));
            assertThat(real.path("ended").path("freedBytes").asLong())
                    .isEqualTo(lines(dry).get(0).path("sizeBytes").asLong());
            assertThat(daemon.docker("image", "ls", "--format", "{{.Repository}}")
                            .outOrThrow()
                            .lines())
                    .contains("made/two", "busybox")
                    .doesNotContain("made/one");
            assertThat(wharf(daemon, gc).path("ended").path("summary").asText()).isEqualTo("nothing to collect");

            String told = daemon.wharf("journal", "tail", "--lines", "200", "--format", "json")
                    .outOrThrow();
            assertThat(told.lines().filter(l -> l.contains("\"host.collected\"")))
                    .hasSize(2)
                    .allMatch(l -> l.contains("not used for") && l.contains("\"job gc\""));
            assertThat(told.lines().filter(l -> l.contains("\"host.job-ended\"")))
                    .hasSizeGreaterThanOrEqualTo(4);
        }
    }

    @Test
    void aFlippedByteInABlobIsFoundMovedAsideAndMendedByTheNextPull() throws Exception {
        try (Daemon daemon = SharedAgent.withBusybox(folder)) {
            assertThat(daemon.wharf("scrub").outOrThrow())
                    .contains("all of them whole")
                    .contains("1 unpacked layer compared")
                    .contains("the journal is whole");
            Path blob = largestBlob(daemon);
            byte[] bytes = Files.readAllBytes(blob);
            bytes[bytes.length / 2] ^= 1;
            Files.write(blob, bytes);

            Outcome dry = daemon.wharf("scrub", "--dry-run", "--images");
            assertThat(dry.status()).isEqualTo(1);
            assertThat(dry.out()).contains("busybox").contains("1 damaged");
            assertThat(blob).exists();

            Outcome scrub = daemon.wharf("scrub", "--images");
            assertThat(scrub.status()).isEqualTo(1);
            assertThat(scrub.out()).contains("1 damaged, 1 moved aside");
            assertThat(blob).doesNotExist();
            try (Stream<Path> aside = Files.list(daemon.dataRoot().resolve("content/damaged"))) {
                assertThat(aside).hasSize(1);
            }
            assertThat(daemon.docker("run", "--rm", "busybox", "echo", "runs").outOrThrow())
                    .as("what is unpacked is as it was")
                    .isEqualTo("runs\n");
            daemon.kill();
            daemon.restart();
            assertThat(daemon.curl("/metrics").out()).contains("wharf_blobs_damaged 1.0");
            assertThat(daemon.wharf("scrub", "--images").out()).contains("has not come again; pull the image");
            assertThat(daemon.wharf("explain", "busybox").outOrThrow()).contains("was found damaged");

            daemon.docker("pull", "--quiet", "layout.local/busybox").outOrThrow();

            assertThat(blob).exists();
            assertThat(daemon.wharf("scrub", "--images").outOrThrow()).contains("all of them whole");
            assertThat(daemon.curl("/metrics").out()).contains("wharf_blobs_damaged 0.0");
            daemon.docker("save", "--output", folder.resolve("saved.tar").toString(), "busybox")
                    .outOrThrow();
        }
    }

    private static Path largestBlob(Daemon daemon) throws Exception {
        try (Stream<Path> blobs = Files.list(daemon.dataRoot().resolve("content/blobs/sha256"))) {
            return blobs.max(java.util.Comparator.comparingLong(b -> b.toFile().length()))
                    .orElseThrow();
        }
    }

    @Test
    void aFlippedByteInAFileOfALayerIsFoundAndNamed() throws Exception {
        try (Daemon daemon = SharedAgent.withBusybox(folder)) {
            Path file;
            try (Stream<Path> all = Files.walk(daemon.dataRoot().resolve("storage/overlay"))) {
                file = all.filter(f -> f.endsWith("bin/busybox") && Files.isRegularFile(f))
                        .findFirst()
                        .orElseThrow();
            }
            byte[] bytes = Files.readAllBytes(file);
            bytes[bytes.length - 1] ^= 1;
            Files.write(file, bytes);

            Outcome scrub = daemon.wharf("scrub", "--layers");

            assertThat(scrub.status()).isEqualTo(1);
            assertThat(scrub.out())
                    .contains("files in storage driver overlay are not what the layer came with, such as bin/")
                    .contains("1 damaged");
        }
    }

    @Test
    void aFlippedByteInACopiedJournalIsFound() throws Exception {
        Path copy = folder.resolve("copy");
        try (Daemon daemon = Daemon.start(folder.resolve("first"))) {
            for (int i = 0; i < 3; i++) {
                daemon.docker("volume", "create", "rotten" + i).outOrThrow();
            }
            assertThat(daemon.wharf("scrub", "--journal").outOrThrow()).contains("the journal is whole");
            daemon.stop();
            Files.createDirectories(copy);
            Outcome.of(
                            "cp",
                            "--archive",
                            daemon.dataRoot().toString(),
                            copy.resolve("data").toString())
                    .outOrThrow();
        }
        flip(copy.resolve("data/journal/queue"), "rotten1");
        try (Daemon daemon = Daemon.start(copy)) {
            Outcome scrub = daemon.wharf("scrub", "--journal");

            assertThat(scrub.status()).isEqualTo(1);
            assertThat(scrub.out()).containsPattern("the journal is damaged at position \\d+");
            assertThat(daemon.curl("/wharf/v1/jobs").out()).contains("\"result\":\"amiss\"");
        }
    }

    /** Changes one bit in the first record that says {@code word}. */
    private static void flip(Path queue, String word) throws Exception {
        try (Stream<Path> files = Files.list(queue)) {
            for (Path file : files.filter(f -> f.toString().endsWith(".cq4")).toList()) {
                byte[] bytes = Files.readAllBytes(file);
                int at = new String(bytes, StandardCharsets.ISO_8859_1).indexOf(word);
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
    void schedulesChangeLiveAndAWrongOneIsRefusedWithTheReason() throws Exception {
        Path etc = Files.createDirectories(folder.resolve("etc"));
        Path file = etc.resolve("dev.wharf.housekeeping.cfg");
        try (Daemon daemon = Daemon.start(folder.resolve("agent"), "--config-dir=" + etc)) {
            assertThat(job(daemon, "survey").path("schedule").asText()).isEqualTo("0 20 3 * * ?");
            assertThat(job(daemon, "gc").path("next").asText())
                    .as("off unless asked for")
                    .isEmpty();

            Files.writeString(file, "survey.schedule = * * * * * ?\njournal.size = 1MB\n");
            await(() -> job(daemon, "survey").path("runs").asInt() > 1);
            assertThat(daemon.wharf("journal", "tail", "--lines", "100", "--format", "json")
                            .outOrThrow()
                            .lines()
                            .filter(l -> l.contains("\"host.job-started\"")))
                    .isNotEmpty()
                    .allMatch(l -> l.contains("\"job survey\""));

            Files.writeString(file, "survey.schedule = now and then\njournal.size = 2MB\n");
            await(() -> !job(daemon, "survey").path("trouble").asText().isEmpty());
            assertThat(job(daemon, "survey").path("trouble").asText())
                    .contains("survey.schedule = now and then: expected a cron expression")
                    .endsWith("* * * * * ? stays");
            assertThat(Files.readString(daemon.log())).contains("setting refused file=dev.wharf.housekeeping.cfg");
            int runs = job(daemon, "survey").path("runs").asInt();
            await(() -> job(daemon, "survey").path("runs").asInt() > runs);

            Files.writeString(file, "survey.schedule =\n");
            await(() -> job(daemon, "survey").path("next").asText().isEmpty());
            Outcome missing = daemon.wharf("jobs", "run", "laundry");
            assertThat(missing.status()).isEqualTo(1);
            assertThat(missing.err()).contains("there is no job laundry; there are gc, journal");
            assertThat(daemon.wharf("gc", "--unused-for", "long").err())
                    .contains("gc.unused.for = long: expected a time");
            assertThat(daemon.wharf("jobs", "run", "journal").outOrThrow()).contains("checkpoint after position");
        }
    }

    private static JsonNode job(Daemon daemon, String name) throws Exception {
        return StreamSupport.stream(
                        json(daemon.curl("/wharf/v1/jobs")).path("jobs").spliterator(), false)
                .filter(j -> j.path("name").asText().equals(name))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void aRunThatAKillCutOffIsToldAndTheNextOneDoesTheRest() throws Exception {
        try (Daemon daemon = SharedAgent.withBusybox(folder)) {
            daemon.docker("tag", "busybox", "made/other").outOrThrow();
            // Slow enough to be in the middle of it.
            daemon.curl("/wharf/v1/jobs/scrub/run?rate.mib=1&what=images", "--request", "POST")
                    .outOrThrow();
            daemon.kill();
            daemon.restart();

            await(() ->
                    job(daemon, "scrub").path("last").path("result").asText().equals("interrupted"));
            assertThat(daemon.wharf("scrub", "--images").outOrThrow()).contains("all of them whole");
        }
    }
}
