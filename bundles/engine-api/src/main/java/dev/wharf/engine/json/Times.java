package dev.wharf.engine.json;

import dev.wharf.engine.http.Problem;
import java.math.BigDecimal;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads the times clients write: {@code seconds[.nanos]}, RFC 3339, or Go's durations, which count back from now. */
public final class Times {
    private static final Pattern PART = Pattern.compile("([0-9]+(?:\\.[0-9]+)?)(ns|us|µs|ms|s|m|h)");
    private static final Pattern DURATION = Pattern.compile("(?:" + PART.pattern() + ")+");
    private static final BigDecimal BILLION = BigDecimal.valueOf(1_000_000_000);

    private Times() {}

    public static Instant parse(String text) {
        try {
            if (text.matches("-?[0-9]+(?:\\.[0-9]+)?")) {
                BigDecimal nanos = new BigDecimal(text).multiply(BILLION);
                java.math.BigInteger[] parts = nanos.toBigInteger().divideAndRemainder(BILLION.toBigInteger());
                return Instant.ofEpochSecond(parts[0].longValueExact(), parts[1].longValue());
            }
            if (DURATION.matcher(text).matches()) {
                return Instant.now().minus(duration(text));
            }
            if (text.length() == 10) {
                return LocalDate.parse(text).atStartOfDay().toInstant(ZoneOffset.UTC);
            }
            return text.matches(".*(?:Z|[+-][0-9]{2}:[0-9]{2})")
                    ? OffsetDateTime.parse(text).toInstant()
                    : LocalDateTime.parse(text).toInstant(ZoneOffset.UTC);
        } catch (DateTimeException | ArithmeticException e) {
            throw Problem.invalid("failed to parse value as time or duration: \"" + text
                    + "\": expected seconds, RFC 3339 or a duration such as 10m");
        }
    }

    private static Duration duration(String text) {
        Duration sum = Duration.ZERO;
        for (Matcher part = PART.matcher(text); part.find(); ) {
            BigDecimal nanos = new BigDecimal(part.group(1))
                    .multiply(BigDecimal.valueOf(
                            switch (part.group(2)) {
                                case "ns" -> 1L;
                                case "us", "µs" -> 1_000L;
                                case "ms" -> 1_000_000L;
                                case "s" -> 1_000_000_000L;
                                case "m" -> 60_000_000_000L;
                                default -> 3_600_000_000_000L;
                            }));
            sum = sum.plusNanos(nanos.longValue());
        }
        return sum;
    }
}
