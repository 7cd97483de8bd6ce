package dev.wharf.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.spi.DriverException;
import dev.wharf.spi.runtime.LogCursor.LogLine;
import dev.wharf.spi.runtime.LogQuery;
import dev.wharf.spi.runtime.StreamSink.StandardStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 120, unit = TimeUnit.SECONDS)
class LogFileTest {
    private static final String NOON = "2026-03-01T12:00:00.000000001+00:00";

    @TempDir
    Path directory;

    private Path log;

    @BeforeEach
    void place() {
        log = directory.resolve("log");
    }

    private void write(String... lines) throws IOException {
        Files.writeString(log, String.join("", lines), StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }

    private static LogQuery query(long tail, boolean follow) {
        return new LogQuery(true, true, Optional.empty(), Optional.empty(), tail, follow);
    }

    private List<LogLine> lines(LogQuery query) throws DriverException {
        List<LogLine> all = new ArrayList<>();
        try (FileCursor cursor = new FileCursor(new LogParts(log), query, false)) {
            while (!cursor.isAtEnd()) {
                all.addAll(cursor.poll());
            }
        }
        return all;
    }

    private List<String> texts(LogQuery query) throws DriverException {
        return lines(query).stream().map(LogFileTest::text).toList();
    }

    private static String text(LogLine line) {
        return StandardCharsets.UTF_8.decode(line.bytes().duplicate()).toString();
    }

    @Test
    void theEndOfALineIsFoundWhereverItLiesAndWhateverIsAroundIt() {
        for (int length = 0; length < 40; length++) {
            byte[] bytes = new byte[length];
            for (int fill = 0; fill < 256; fill++) {
                Arrays.fill(bytes, (byte) (fill == '\n' ? 'x' : fill));
                assertThat(LogFile.newline(bytes, 0, length)).isEqualTo(length);
                for (int at = 0; at < length; at++) {
                    bytes[at] = '\n';
                    for (int from = 0; from < length; from += 7) {
                        assertThat(LogFile.newline(bytes, from, length)).isEqualTo(from <= at ? at : length);
                    }
                    bytes[at] = (byte) (fill == '\n' ? 'x' : fill);
                }
            }
        }
    }

    @Test
    void aRecordHasATimeAStreamAndAText() throws Exception {
        write("2026-01-31T23:59:59.123456789+00:00 stderr F some text\n");

        LogLine line = lines(query(-1, false)).get(0);

        assertThat(line.stream()).isEqualTo(StandardStream.ERR);
        assertThat(Instant.ofEpochSecond(line.epochSecond(), line.nanos()))
                .isEqualTo(Instant.parse("2026-01-31T23:59:59.123456789Z"));
        assertThat(text(line)).isEqualTo("some text\n");
    }

    @Test
    void timesOfOtherZonesMeanTheSameMoment() throws Exception {
        write("2026-03-01T02:30:00.5-09:30 stdout F a\n", "2026-03-01T12:00:00.500000000Z stdout F b\n");

        assertThat(lines(query(-1, false)))
                .allSatisfy(line -> assertThat(Instant.ofEpochSecond(line.epochSecond(), line.nanos()))
                        .isEqualTo(Instant.parse("2026-03-01T12:00:00.5Z")));
    }

    @Test
    void partsOfALineAreJoinedStreamByStream() throws Exception {
        write(
                NOON + " stdout P one \n",
                NOON + " stderr P err \n",
                NOON + " stdout P two \n",
                NOON + " stdout F three\n",
                NOON + " stderr F or\n",
                NOON + " stdout P open\n");

        assertThat(texts(query(-1, false))).containsExactly("one two three\n", "err or\n", "open");
    }

    @Test
    void anEmptyLineIsALine() throws Exception {
        write(NOON + " stdout F \n", NOON + " stdout F x\n");

        assertThat(texts(query(-1, false))).containsExactly("\n", "x\n");
    }

    @Test
    void damagedRecordsArePassedOver() throws Exception {
        write(
                NOON + " stdout F good\n",
                "\n",
                "nonsense\n",
                "2026-03-01T12:00:00.0 stdout\n",
                "2026-99-99T99:99:99.9+00:00 stdout F odd time\n",
                NOON + " stdout F better\n",
                NOON + " stdout F torn in the midd");

        assertThat(texts(query(-1, false))).containsExactly("good\n", "odd time\n", "better\n");
    }

    @Test
    void aLogThatIsNotThereIsEmpty() throws Exception {
        assertThat(texts(query(-1, false))).isEmpty();
        assertThat(texts(query(5, true))).isEmpty();
    }

    @Test
    void theLastLinesAreFoundFromTheEnd() throws Exception {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < 20_000; i++) {
            text.append(NOON)
                    .append(i % 3 == 0 ? " stderr F " : " stdout F ")
                    .append(i)
                    .append('\n');
        }
        write(text.toString());

        assertThat(texts(query(3, false))).containsExactly("19997\n", "19998\n", "19999\n");
        assertThat(texts(query(0, false))).isEmpty();
        assertThat(texts(query(50_000, false))).hasSize(20_000);
        assertThat(texts(new LogQuery(false, true, Optional.empty(), Optional.empty(), 2, false)))
                .containsExactly("19995\n", "19998\n");
    }

    @Test
    void partsDoNotCountAsLines() throws Exception {
        write(
                NOON + " stdout F one\n",
                NOON + " stdout P t\n",
                NOON + " stdout P w\n",
                NOON + " stdout F o\n",
                NOON + " stdout P op\n",
                NOON + " stdout P en\n");

        assertThat(texts(query(1, false))).containsExactly("open");
        assertThat(texts(query(2, false))).containsExactly("two\n", "open");
        assertThat(texts(query(3, false))).containsExactly("one\n", "two\n", "open");
    }

    @Test
    void anyTailOfAnyLogIsTheEndOfTheWhole() throws Exception {
        Random random = new Random(42);
        for (int round = 0; round < 60; round++) {
            Files.deleteIfExists(log);
            StringBuilder text = new StringBuilder();
            int records = random.nextInt(200);
            for (int i = 0; i < records; i++) {
                boolean part = random.nextInt(4) == 0;
                text.append(NOON).append(part ? " stdout P " : " stdout F ");
                text.append("x".repeat(random.nextInt(random.nextInt(20) == 0 ? 70_000 : 50)))
                        .append(i)
                        .append('\n');
            }
            write(text.toString());
            List<String> all = texts(query(-1, false));
            int count = random.nextInt(all.size() + 2);

            assertThat(texts(query(count, false)))
                    .as("round %d, last %d of %d", round, count, all.size())
                    .isEqualTo(all.subList(Math.max(0, all.size() - count), all.size()));
        }
    }

    @Test
    void aVeryLongLineComesInPiecesThatAreTheLine() throws Exception {
        String piece = "y".repeat(8000);
        for (int i = 0; i < 400; i++) {
            write(NOON + " stdout P " + piece + "\n");
        }
        write(NOON + " stdout F end\n");

        List<String> pieces = texts(query(-1, false));

        assertThat(pieces).hasSizeBetween(2, 10);
        assertThat(String.join("", pieces)).isEqualTo(piece.repeat(400) + "end\n");
    }

    @Test
    void timesCutTheLog() throws Exception {
        for (int i = 0; i < 10; i++) {
            write("2026-03-01T12:00:0" + i + ".000000000+00:00 stdout F " + i + "\n");
        }
        LogQuery query = new LogQuery(
                true,
                true,
                Optional.of(Instant.parse("2026-03-01T12:00:03Z")),
                Optional.of(Instant.parse("2026-03-01T12:00:05Z")),
                -1,
                false);

        assertThat(texts(query)).containsExactly("3\n", "4\n", "5\n");
    }

    @Test
    void aFollowerHearsWhatComesAndTheEndOfTheWriter() throws Exception {
        write(NOON + " stdout F one\n", NOON + " stdout P tw");
        AtomicInteger woken = new AtomicInteger();
        try (FileCursor cursor = new FileCursor(new LogParts(log), query(-1, true), true)) {
            assertThat(cursor.poll()).hasSize(1);
            assertThat(cursor.poll()).isEmpty();
            assertThat(cursor.isAtEnd()).isFalse();
            cursor.onMore(woken::incrementAndGet);
            assertThat(woken).hasValue(0);

            write("o\n", NOON + " stdout F  and\n");
            cursor.changed();
            cursor.changed();
            assertThat(woken).hasValue(1);
            assertThat(cursor.poll()).extracting(LogFileTest::text).containsExactly("two and\n");

            write(NOON + " stdout P last");
            write("\n");
            cursor.writerEnded();
            assertThat(cursor.poll()).extracting(LogFileTest::text).containsExactly("last");
            assertThat(cursor.isAtEnd()).isTrue();
        }
    }

    @Test
    void whoAsksTooLateIsWokenAtOnce() throws Exception {
        write(NOON + " stdout F one\n");
        AtomicInteger woken = new AtomicInteger();
        try (FileCursor cursor = new FileCursor(new LogParts(log), query(-1, true), true)) {
            cursor.poll();
            write(NOON + " stdout F two\n");
            cursor.changed();

            cursor.onMore(woken::incrementAndGet);

            assertThat(woken).hasValue(1);
        }
    }

    @Test
    void aLogThatBeginsAnewIsFollowedThroughIt() throws Exception {
        write(NOON + " stdout F one\n", NOON + " stdout F two\n");
        try (FileCursor cursor = new FileCursor(new LogParts(log), query(-1, true), true)) {
            assertThat(cursor.poll()).hasSize(2);

            Path fresh = directory.resolve("fresh");
            Files.writeString(fresh, NOON + " stdout F three\n");
            Files.move(fresh, log, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
            assertThat(cursor.poll()).extracting(LogFileTest::text).containsExactly("three\n");

            Files.writeString(log, NOON + " stdout F 4\n", StandardOpenOption.TRUNCATE_EXISTING);
            assertThat(cursor.poll()).extracting(LogFileTest::text).containsExactly("4\n");
        }
    }

    @Test
    void whoDoesNotFollowGetsWhatWasThereWhenHeCame() throws Exception {
        for (long tail : List.of(-1L, 2L)) {
            write(NOON + " stdout F one\n" + NOON + " stdout F two\n");
            List<String> heard = new ArrayList<>();
            try (FileCursor cursor = new FileCursor(new LogParts(log), query(tail, false), true)) {
                while (!cursor.isAtEnd()) {
                    cursor.poll().forEach(line -> heard.add(text(line)));
                    Files.writeString(log, NOON + " stdout F more\n", StandardOpenOption.APPEND);
                }
            }
            assertThat(heard).containsExactly("one\n", "two\n");
        }
    }

    @Test
    void pollsAreBoundedAndTogetherTheWhole() throws Exception {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < 30_000; i++) {
            text.append(NOON).append(" stdout F ").append(i).append('\n');
        }
        write(text.toString());
        int polls = 0;
        int next = 0;
        try (FileCursor cursor = new FileCursor(new LogParts(log), query(-1, false), false)) {
            while (!cursor.isAtEnd()) {
                List<LogLine> some = cursor.poll();
                polls++;
                assertThat(some).hasSizeLessThan(10_000);
                for (LogLine line : some) {
                    assertThat(text(line)).isEqualTo(next++ + "\n");
                }
            }
        }
        assertThat(next).isEqualTo(30_000);
        assertThat(polls).isGreaterThan(3);
    }
}
