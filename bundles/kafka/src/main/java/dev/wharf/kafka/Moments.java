package dev.wharf.kafka;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.Locale;
import java.util.Optional;

/** Moments as people write them, in the words of {@code wharf ps --at}; positions are of one host, so they are none here. */
final class Moments {
    private Moments() {}

    static Optional<Instant> instant(String text, Instant now, ZoneId zone) {
        try {
            if (text.matches("\\d+(\\.\\d+)?")) {
                return Optional.of(Instant.ofEpochMilli((long) (Double.parseDouble(text) * 1000)));
            }
            if (text.matches("(\\d+d)?(\\d+h)?(\\d+m)?(\\d+s)?") && !text.isEmpty()) {
                int days = text.indexOf('d') + 1;
                String rest = text.substring(days);
                return Optional.of(
                        now.minus(Duration.parse(("P" + text.substring(0, days) + (rest.isEmpty() ? "" : "T" + rest))
                                .toUpperCase(Locale.ROOT))));
            }
            if (text.matches("\\d{1,2}:\\d{2}(:\\d{2}(\\.\\d+)?)?")) {
                LocalTime time = LocalTime.parse(text.indexOf(':') == 1 ? "0" + text : text);
                return Optional.of(
                        now.atZone(zone).toLocalDate().atTime(time).atZone(zone).toInstant());
            }
            if (text.matches(".*T.*(Z|[+-]\\d{2}:?\\d{2})")) {
                return Optional.of(ZonedDateTime.parse(text).toInstant());
            }
            return Optional.of(LocalDateTime.parse(text).atZone(zone).toInstant());
        } catch (DateTimeException | ArithmeticException e) {
            return Optional.empty();
        }
    }
}
