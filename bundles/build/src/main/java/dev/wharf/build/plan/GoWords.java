package dev.wharf.build.plan;

import java.math.BigDecimal;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Values as Go's fmt spells them, because Docker's history does. */
public final class GoWords {
    private static final Pattern PART = Pattern.compile("([0-9]+(?:\\.[0-9]*)?|\\.[0-9]+)(ns|us|\u00b5s|ms|s|m|h)");
    private static final Map<String, Long> UNITS = Map.of(
            "ns", 1L,
            "us", 1_000L,
            "\u00b5s", 1_000L,
            "ms", 1_000_000L,
            "s", 1_000_000_000L,
            "m", 60_000_000_000L,
            "h", 3_600_000_000_000L);

    private GoWords() {}

    /** {@code %q} of a text. */
    public static String quoted(String text) {
        StringBuilder out = new StringBuilder("\"");
        text.codePoints().forEach(c -> {
            switch (c) {
                case '"' -> out.append("\\\"");
                case '\\' -> out.append("\\\\");
                case '\n' -> out.append("\\n");
                case '\t' -> out.append("\\t");
                case '\r' -> out.append("\\r");
                case 7 -> out.append("\\a");
                case 8 -> out.append("\\b");
                case 11 -> out.append("\\v");
                case 12 -> out.append("\\f");
                default -> {
                    if (c < 32 || c == 127) {
                        out.append(String.format("\\x%02x", c));
                    } else {
                        out.appendCodePoint(c);
                    }
                }
            }
        });
        return out.append('"').toString();
    }

    /** {@code %q} of a number, which Go takes for a character. */
    static String rune(int c) {
        return switch (c) {
            case 7 -> "'\\a'";
            case 8 -> "'\\b'";
            case 9 -> "'\\t'";
            case 10 -> "'\\n'";
            case 11 -> "'\\v'";
            case 12 -> "'\\f'";
            case 13 -> "'\\r'";
            case '\'' -> "'\\''";
            case '\\' -> "'\\\\'";
            default ->
                c < 32 || c == 127
                        ? String.format("'\\x%02x'", c)
                        : "'" + new String(Character.toChars(Math.min(c, Character.MAX_CODE_POINT))) + "'";
        };
    }

    /** {@code time.Duration} as a text. */
    static String duration(Duration span) {
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

    /** {@code time.ParseDuration}. */
    static Optional<Duration> parse(String text) {
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
}
