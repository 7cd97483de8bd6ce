package dev.wharf.launch.log;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

class LogsTest {
    private final ByteArrayOutputStream written = new ByteArrayOutputStream();
    private final Logger ours = LoggerFactory.getLogger("dev.wharf.core.loop");
    private final Logger theirs = LoggerFactory.getLogger("io.netty.Channel");

    @BeforeEach
    void listen() {
        Logs.setOut(new PrintStream(written, true, StandardCharsets.UTF_8));
    }

    @AfterEach
    void leave() {
        Logs.setOut(System.err);
        Logs.setJournald(false);
        Logs.setJournal(entry -> false);
        Logs.setLevel(Level.INFO);
    }

    @Test
    void aMessageIsOneLineWithItsTimeItsLevelAndItsPlace() {
        ours.info("unmounted container={} in={}ms", "web", 3);

        assertThat(written.toString(StandardCharsets.UTF_8))
                .matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z info  core.loop: unmounted container=web"
                        + " in=3ms\n");
    }

    @Test
    void whatWasThrownFollowsWithItsTrace() {
        ours.error("cannot write", new IllegalStateException("disk full"));

        assertThat(written.toString(StandardCharsets.UTF_8))
                .contains(" error core.loop: cannot write\njava.lang.IllegalStateException: disk full\n\tat ");
    }

    @Test
    void librariesAreHeardFromWarningsOnUnlessMoreIsAskedFor() {
        theirs.info("quiet");
        theirs.warn("heard");
        Logs.setLevel(Level.DEBUG);
        theirs.debug("asked");

        assertThat(written.toString(StandardCharsets.UTF_8))
                .contains("warn  io.netty.Channel: heard", "debug io.netty.Channel: asked")
                .doesNotContain("quiet");
    }

    @Test
    void theLevelCountsForLoggersThatExistAlready() {
        Logs.setLevel(Level.ERROR);
        ours.warn("unheard");

        assertThat(written.size()).isZero();
        assertThat(ours.isWarnEnabled()).isFalse();
        assertThat(ours.isErrorEnabled()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "2026-11-24T08:00:00Z",
                "2026-11-24T08:00:01Z",
                "2026-11-24T08:00:01.500Z",
                "2026-11-24T08:00:00.001Z"
            })
    void aTimeHasItsMillisecondsEvenWhenTheyAreZero(String text) {
        String time = Logs.time(Instant.parse(text));

        assertThat(time).hasSize("2026-11-24T08:00:00.000Z".length());
        assertThat(Instant.parse(time)).isEqualTo(Instant.parse(text));
    }

    @Test
    void journaldGetsThePriorityOfEachLineAndNoTime() {
        Logs.setJournald(true);
        ours.warn("it broke", new IllegalStateException("first\nsecond"));

        String[] lines = written.toString(StandardCharsets.UTF_8).split("\n");
        assertThat(lines[0]).isEqualTo("<4>core.loop: it broke");
        assertThat(lines[1]).isEqualTo("<4>java.lang.IllegalStateException: first");
        assertThat(lines).allMatch(line -> line.startsWith("<4>")).hasSizeGreaterThan(3);
    }

    @Test
    void anEntryOfJournaldHasEachValueAsAFieldAndSaysWhereItComesFrom() {
        List<Map<String, String>> entries = new ArrayList<>();
        Logs.setJournald(true);
        Logs.setJournal(entries::add);
        ours.warn("unmounted busy container={} with {} retry-in={}", "web", 3, "5s", new IllegalStateException("why"));

        assertThat(written.size()).isZero();
        assertThat(entries)
                .singleElement()
                .satisfies(entry -> assertThat(entry)
                        .containsEntry("PRIORITY", "4")
                        .containsEntry("WHARF_LOGGER", "dev.wharf.core.loop")
                        .containsEntry("WHARF_EVENT", "unmounted busy")
                        .containsEntry("WHARF_CONTAINER", "web")
                        .containsEntry("WHARF_RETRY_IN", "5s")
                        .containsEntry("WHARF_THROWN", "java.lang.IllegalStateException")
                        .containsEntry("CODE_FILE", "LogsTest.java")
                        .hasEntrySatisfying(
                                "CODE_LINE",
                                line -> assertThat(Integer.parseInt(line)).isPositive())
                        .hasEntrySatisfying(
                                "MESSAGE",
                                text -> assertThat(text)
                                        .startsWith("core.loop: unmounted busy container=web with 3 retry-in=5s\n"
                                                + "java.lang.IllegalStateException: why\n\tat ")));
    }

    @Test
    void whatJournaldDoesNotTakeIsWrittenAllTheSame() {
        Logs.setJournald(true);
        Logs.setJournal(entry -> false);
        ours.info("kept");

        assertThat(written.toString(StandardCharsets.UTF_8)).isEqualTo("<6>core.loop: kept\n");
    }
}
