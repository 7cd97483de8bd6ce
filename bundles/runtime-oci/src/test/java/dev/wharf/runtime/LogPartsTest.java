package dev.wharf.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.spi.DriverException;
import dev.wharf.spi.runtime.LogCursor.LogLine;
import dev.wharf.spi.runtime.LogQuery;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 120, unit = TimeUnit.SECONDS)
class LogPartsTest {
    private static final String NOON = "2026-03-01T12:00:00.000000001+00:00 stdout F ";
    private static final int RECORD = NOON.length() + 4;

    @TempDir
    Path directory;

    private Path log;
    private LogParts parts;
    private int next;

    @BeforeEach
    void place() {
        log = directory.resolve("log");
        parts = new LogParts(log);
    }

    /** Writes so many lines, numbered on from the last: three digits each. */
    private void write(int count) throws IOException {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < count; i++) {
            text.append(NOON).append("%03d%n".formatted(next++));
        }
        Files.writeString(log, text, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }

    private static LogQuery query(long tail, boolean follow) {
        return new LogQuery(true, true, Optional.empty(), Optional.empty(), tail, follow);
    }

    private List<Integer> numbers(long tail) throws DriverException {
        List<Integer> all = new ArrayList<>();
        try (FileCursor cursor = new FileCursor(parts, query(tail, false), false)) {
            while (!cursor.isAtEnd()) {
                all.addAll(numbers(cursor.poll()));
            }
        }
        return all;
    }

    private static List<Integer> numbers(List<LogLine> lines) {
        return lines.stream()
                .map(line -> StandardCharsets.UTF_8
                        .decode(line.bytes().duplicate())
                        .toString()
                        .strip())
                .map(Integer::valueOf)
                .toList();
    }

    private static List<Integer> range(int from, int to) {
        return IntStream.range(from, to).boxed().toList();
    }

    @Test
    void aLogIsReadFromItsOldestPartToItsNewest() throws Exception {
        write(10);
        parts.turn();
        write(10);
        parts.turn();
        write(5);

        assertThat(numbers(-1)).isEqualTo(range(0, 25));
        assertThat(numbers(3)).isEqualTo(range(22, 25));
        assertThat(numbers(5)).isEqualTo(range(20, 25));
        assertThat(numbers(6)).isEqualTo(range(19, 25));
        assertThat(numbers(17)).isEqualTo(range(8, 25));
        assertThat(numbers(100)).isEqualTo(range(0, 25));
        assertThat(numbers(0)).isEmpty();
    }

    @Test
    void packedPartsAreReadLikeOthers() throws Exception {
        for (int i = 0; i < 3; i++) {
            write(10);
            parts.turn();
        }
        write(2);

        parts.trim(1 << 20, true);

        assertThat(directory.resolve("log.1.gz")).exists();
        assertThat(directory.resolve("log.2.gz")).exists();
        assertThat(directory.resolve("log.1")).doesNotExist();
        assertThat(directory.resolve("log.3")).exists();
        assertThat(numbers(-1)).isEqualTo(range(0, 32));
        assertThat(numbers(25)).isEqualTo(range(7, 32));
        parts.trim(1 << 20, true);
        assertThat(numbers(-1)).isEqualTo(range(0, 32));
    }

    @Test
    void theNewestBytesStayCutAtARecord() throws Exception {
        write(10);
        parts.turn();
        write(10);
        parts.turn();
        write(1);

        parts.trim(12L * RECORD + RECORD / 2, false);
        assertThat(numbers(-1)).isEqualTo(range(8, 21));

        parts.trim(3L * RECORD, false);
        assertThat(numbers(-1)).isEqualTo(range(17, 21));
        assertThat(directory.resolve("log.2+" + 7 * RECORD)).exists();

        parts.trim(2L * RECORD, false);
        assertThat(directory.resolve("log.2+" + 8 * RECORD)).exists();
        assertThat(parts.current()).isEqualTo(3);
    }

    @Test
    void whatACrashLeftBesideACutPartIsNotReadTwice() throws Exception {
        write(10);
        parts.turn();
        Files.writeString(
                directory.resolve("log.1+" + 6 * RECORD),
                Files.readString(directory.resolve("log.1")).substring(6 * RECORD));
        write(1);

        parts.trim(1 << 20, false);

        assertThat(numbers(-1)).isEqualTo(range(6, 11));
    }

    @Test
    void aFollowerMissesNothingAtATurnAndReadsNothingTwice() throws Exception {
        write(5);
        try (FileCursor cursor = new FileCursor(parts, query(-1, true), true)) {
            List<Integer> seen = new ArrayList<>(numbers(cursor.poll()));

            parts.turn();
            assertThat(cursor.poll()).isEmpty();
            // The monitor goes on in the old file until it heard of the turn.
            Path old = directory.resolve("log.1");
            Files.writeString(old, NOON + "%03d%n".formatted(next++), StandardOpenOption.APPEND);
            seen.addAll(numbers(cursor.poll()));
            Files.writeString(old, NOON + "%03d%n".formatted(next++), StandardOpenOption.APPEND);
            write(3);
            parts.trim(RECORD, true);
            seen.addAll(numbers(cursor.poll()));
            seen.addAll(numbers(cursor.poll()));

            for (int turn = 0; turn < 3; turn++) {
                parts.turn();
                write(4);
            }
            for (int i = 0; i < 5; i++) {
                seen.addAll(numbers(cursor.poll()));
            }
            cursor.writerEnded();
            seen.addAll(numbers(cursor.poll()));

            assertThat(seen).isEqualTo(range(0, 22));
            assertThat(cursor.isAtEnd()).isTrue();
        }
    }

    @Test
    void aReaderGoesOnWhereItWasWhateverBecameOfThePart() throws Exception {
        write(10);
        FileCursor.Place place;
        try (FileCursor cursor = new FileCursor(parts, query(-1, false), false)) {
            cursor.poll();
            place = cursor.ends().get(6);
        }
        parts.turn();
        write(5);

        assertThat(from(place)).isEqualTo(range(7, 15));
        parts.trim(5L * RECORD, false);
        assertThat(from(place)).isEqualTo(range(7, 15));
        parts.trim(2L * RECORD, false);
        assertThat(from(place)).isEqualTo(range(8, 15));
        parts.turn();
        write(1);
        parts.trim(RECORD, false);
        assertThat(from(place)).isEqualTo(range(14, 16));
    }

    private List<Integer> from(FileCursor.Place place) throws DriverException {
        List<Integer> all = new ArrayList<>();
        try (FileCursor cursor = new FileCursor(parts, query(-1, false), false, place)) {
            while (!cursor.isAtEnd()) {
                all.addAll(numbers(cursor.poll()));
            }
        }
        return all;
    }
}
