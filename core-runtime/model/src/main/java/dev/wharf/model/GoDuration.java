package dev.wharf.model;

import java.math.BigDecimal;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Spans of time as Docker's clients write them, {@code 1m30s} or {@code 100ms}. */
public final class GoDuration {
    private static final Pattern PART = Pattern.compile("([0-9]+(?:\\.[0-9]*)?|\\.[0-9]+)(ns|us|\u00b5s|ms|s|m|h)");
    private static final Map<String, Long> UNITS = Map.of(
            "ns", 1L,
            "us", 1_000L,
            "\u00b5s", 1_000L,
            "ms", 1_000_000L,
            "s", 1_000_000_000L,
            "m", 60_000_000_000L,
            "h", 3_600_000_000_000L);

    private GoDuration() {}

    /** Empty for what is no span, or one of more than 292 years. */
    public static Optional<Duration> parse(String text) {
        if (text.startsWith("-") || text.startsWith("+")) {
            return text.startsWith("-", 1) || text.startsWith("+", 1)
                    ? Optional.empty()
                    : parse(text.substring(1)).map(span -> text.startsWith("-") ? span.negated() : span);
        }
        if (text.equals("0")) {
            return Optional.of(Duration.ZERO);
        }
        Matcher part = PART.matcher(text);
        int at = 0;
        BigDecimal nanos = BigDecimal.ZERO;
        while (part.find() && part.start() == at) {
            nanos = nanos.add(new BigDecimal(part.group(1).startsWith(".") ? "0" + part.group(1) : part.group(1))
                    .multiply(BigDecimal.valueOf(UNITS.getOrDefault(part.group(2), 0L))));
            at = part.end();
        }
        return at == text.length() && at > 0 && nanos.compareTo(BigDecimal.valueOf(Long.MAX_VALUE)) < 0
                ? Optional.of(Duration.ofNanos(nanos.longValue()))
                : Optional.empty();
    }

    /** The shortest text for a span that is not negative. */
    public static String text(Duration span) {
        if (span.isZero()) {
            return "0s";
        }
        if (span.compareTo(Duration.ofSeconds(1)) < 0) {
            long nanos = span.toNanos();
            return nanos < 1_000
                    ? nanos + "ns"
                    : nanos < 1_000_000 ? plain(nanos, 1_000) + "\u00b5s" : plain(nanos, 1_000_000) + "ms";
        }
        long hours = span.toHours();
        long minutes = span.toMinutesPart();
        String seconds = plain(span.minusMinutes(span.toMinutes()).toNanos(), 1_000_000_000) + "s";
        return (hours > 0 ? hours + "h" : "") + (hours > 0 || minutes > 0 ? minutes + "m" : "") + seconds;
    }

    private static String plain(long value, long unit) {
        return BigDecimal.valueOf(value)
                .divide(BigDecimal.valueOf(unit))
                .stripTrailingZeros()
                .toPlainString();
    }
}
