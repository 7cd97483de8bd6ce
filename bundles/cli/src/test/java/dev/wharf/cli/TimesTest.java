package dev.wharf.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.time.ZoneId;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TimesTest {
    private static final Instant NOW = Instant.parse("2026-05-01T12:00:00Z");

    private final Times times = new Times(ZoneId.of("Europe/Berlin"));

    @ParameterizedTest
    @CsvSource({
        "1041, 1041",
        "15m, 2026-05-01T11:45:00Z",
        "2d, 2026-04-29T12:00:00Z",
        "1h30m, 2026-05-01T10:30:00Z",
        "1777631400, 1777631400",
        "1777631400.5, 1777631400.5",
        "10:30, 2026-05-01T08:30:00Z",
        "9:05:01.250, 2026-05-01T07:05:01.250Z",
        "2026-04-30T10:30, 2026-04-30T08:30:00Z",
        "2026-04-30T10:30:00Z, 2026-04-30T10:30:00Z",
        "2026-04-30T10:30:00+02:00, 2026-04-30T08:30:00Z"
    })
    void placesAreWrittenAsPeopleThinkOfThem(String text, String place) {
        assertThat(times.placeOf(text, NOW)).contains(place);
    }

    @Test
    void whatIsNoPlaceIsNotGuessed() {
        assertThat(times.placeOf("", NOW)).isEmpty();
        assertThat(times.placeOf("soon", NOW)).isEmpty();
        assertThat(times.placeOf("25:00", NOW)).isEmpty();
    }

    @Test
    void theClockIsLocalToTheMillisecond() {
        assertThat(times.clock("2026-05-01T06:01:02.003Z")).isEqualTo("08:01:02.003");
        assertThat(times.day("2026-05-01T23:00:00Z")).isEqualTo("2026-05-02");
    }
}
