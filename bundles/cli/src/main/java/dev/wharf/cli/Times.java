package dev.wharf.cli;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.Optional;

/** Moments as people write and read them, in the local time zone. */
final class Times {
    private final ZoneId zone;

    Times(ZoneId zone) {
        this.zone = zone;
    }

    static Times local() {
        return new Times(ZoneId.systemDefault());
    }

    /** A position as it is, and any moment as the instant it means, in the words the API takes. */
    Optional<String> placeOf(String text, Instant now) {
        // A whole number is a position or seconds since 1970, which the agent tells apart; with a fraction it is
        // seconds.
        if (text.matches("\\d+(\\.\\d+)?")) return Optional.of(text);
        return instantOf(text, now).map(Instant::toString);
    }

    /** Reads {@code 2026-05-01T10:30:00Z}, {@code 2026-05-01T10:30}, {@code 10:30} of today, or {@code 15m} before now. */
    Optional<Instant> instantOf(String text, Instant now) {
        if (text.matches("(\\d+d)?(\\d+h)?(\\d+m)?(\\d+s)?") && !text.isEmpty()) {
            int days = text.indexOf('d') + 1;
            String rest = text.substring(days);
            return Optional.of(
                    now.minus(Duration.parse(("P" + text.substring(0, days) + (rest.isEmpty() ? "" : "T" + rest))
                            .toUpperCase(java.util.Locale.ROOT))));
        }
        try {
            if (text.matches("\\d{1,2}:\\d{2}(:\\d{2}(\\.\\d+)?)?")) {
                LocalTime time = LocalTime.parse(text.indexOf(':') == 1 ? "0" + text : text);
                return Optional.of(
                        now.atZone(zone).toLocalDate().atTime(time).atZone(zone).toInstant());
            }
            if (text.matches(".*T.*(Z|[+-]\\d{2}:?\\d{2})"))
                return Optional.of(ZonedDateTime.parse(text).toInstant());
            return Optional.of(LocalDateTime.parse(text).atZone(zone).toInstant());
        } catch (DateTimeException e) {
            return Optional.empty();
        }
    }

    /** The time of day to the millisecond. */
    String clock(String instant) {
        LocalDateTime at = local(instant);
        return digits(at.getHour(), 2) + ":" + digits(at.getMinute(), 2) + ":" + digits(at.getSecond(), 2) + "."
                + digits(at.getNano() / 1_000_000, 3);
    }

    /** The day. */
    String day(String instant) {
        return local(instant).toLocalDate().toString();
    }

    private LocalDateTime local(String instant) {
        return LocalDateTime.ofInstant(Instant.parse(instant), zone);
    }

    /** A formatter would do the same and load a hundred classes for it. */
    private static String digits(int number, int width) {
        String text = Integer.toString(number);
        return "0".repeat(Math.max(0, width - text.length())) + text;
    }
}
