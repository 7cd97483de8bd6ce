package dev.wharf.housekeeping;

import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.quartz.CronExpression;

/** How settings are written; an IllegalArgumentException says what was expected. */
final class Forms {
    private static final Pattern SPAN = Pattern.compile("([0-9]{1,9})([smhd])");
    private static final Pattern SIZE = Pattern.compile("([0-9]{1,12})\\s*([kmgt]?)(i?)b?", Pattern.CASE_INSENSITIVE);
    private static final Pattern SHARE = Pattern.compile("([0-9]{1,3})\\s*%");
    private static final List<String> UNITS = List.of("", "k", "m", "g", "t");

    private Forms() {}

    /** A number and one of the letters s, m, h and d. */
    static Duration span(String text) {
        Matcher m = SPAN.matcher(text);
        if (!m.matches()) {
            throw new IllegalArgumentException("expected a time such as 90s, 12h or 30d");
        }
        long number = Long.parseLong(m.group(1));
        return switch (m.group(2)) {
            case "s" -> Duration.ofSeconds(number);
            case "m" -> Duration.ofMinutes(number);
            case "h" -> Duration.ofHours(number);
            default -> Duration.ofDays(number);
        };
    }

    /** Bytes such as {@code 20GB} or {@code 512MiB}, or a share of a whole such as {@code 60%}. */
    static long size(String text, long whole) {
        Matcher share = SHARE.matcher(text);
        if (share.matches() && Integer.parseInt(share.group(1)) <= 100) {
            return whole / 100 * Integer.parseInt(share.group(1));
        }
        Matcher m = SIZE.matcher(text);
        if (!m.matches()) {
            throw new IllegalArgumentException("expected a size such as 20GB, 512MiB or 60%");
        }
        long unit = m.group(3).isEmpty() ? 1000 : 1024;
        long bytes = Long.parseLong(m.group(1));
        for (int i = UNITS.indexOf(m.group(2).toLowerCase(Locale.ROOT)); i > 0; i--) {
            bytes = Math.multiplyExact(bytes, unit);
        }
        return bytes;
    }

    /** A schedule; empty for never. */
    static void cron(String text) {
        if (text.isEmpty()) {
            return;
        }
        if (text.split("\\s+").length == 5) {
            throw new IllegalArgumentException(
                    "expected six fields, the first of which are seconds: 0 " + text + ", with ? for one of the days");
        }
        try {
            CronExpression cron = new CronExpression(text);
            if (cron.getNextValidTimeAfter(Date.from(Instant.now())) == null) {
                throw new IllegalArgumentException("expected a schedule that is due at some time; this one never is");
            }
        } catch (java.text.ParseException e) {
            throw new IllegalArgumentException("expected a cron expression such as 0 30 3 ? * SUN: " + e.getMessage());
        }
    }

    static void among(Map<String, ?> allowed, String text) {
        if (!allowed.containsKey(text)) {
            throw new IllegalArgumentException("expected one of " + String.join(", ", allowed.keySet()));
        }
    }

    static void number(String text, long least, long most) {
        try {
            long number = Long.parseLong(text);
            if (number >= least && number <= most) {
                return;
            }
        } catch (NumberFormatException e) {
            // Said below.
        }
        throw new IllegalArgumentException("expected a number from " + least + " to " + most);
    }

    /** Decimal units, as disks count. */
    static String words(long bytes) {
        double value = bytes;
        int unit = 0;
        while (value >= 1000 && unit < UNITS.size() - 1) {
            value /= 1000;
            unit++;
        }
        return unit == 0
                ? bytes + " B"
                : String.format(
                        Locale.ROOT,
                        "%.1f %sB",
                        value,
                        List.of("", "k", "M", "G", "T").get(unit));
    }

    static String count(long number, String what) {
        return number + " " + what + (number == 1 ? "" : "s");
    }
}
