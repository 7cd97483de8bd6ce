package dev.wharf.log.codec;

import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.util.Arrays;

/**
 * Instants to and from text as {@link Instant#toString} has it, several times faster than the JDK's general formatter: every
 * batch and most events have one.
 */
public final class InstantText {
    private static final int SECONDS_OF_DAY = 86_400;

    /** Years of four digits, which is what everybody writes; the JDK does the others. */
    private static final long FIRST = Instant.parse("1000-01-01T00:00:00Z").getEpochSecond();

    private static final long LAST = Instant.parse("9999-12-31T23:59:59Z").getEpochSecond();

    /** Up to the seconds, and the longest there is. */
    private static final int SHORT = 19;

    private static final int LONG = 30;

    private InstantText() {}

    public static String print(Instant instant) {
        return new String(bytes(instant), StandardCharsets.ISO_8859_1);
    }

    /** The same in ASCII, for who wants bytes. */
    public static byte[] bytes(Instant instant) {
        if (instant.getEpochSecond() < FIRST || instant.getEpochSecond() > LAST) {
            return instant.toString().getBytes(StandardCharsets.ISO_8859_1);
        }
        long days = Math.floorDiv(instant.getEpochSecond(), SECONDS_OF_DAY);
        LocalDate date = LocalDate.ofEpochDay(days);
        byte[] text = new byte[LONG];
        int second = (int) (instant.getEpochSecond() - days * SECONDS_OF_DAY);
        digits(text, 0, 4, date.getYear());
        text[4] = '-';
        digits(text, 5, 2, date.getMonthValue());
        text[7] = '-';
        digits(text, 8, 2, date.getDayOfMonth());
        text[10] = 'T';
        digits(text, 11, 2, second / 3600);
        text[13] = ':';
        digits(text, 14, 2, second / 60 % 60);
        text[16] = ':';
        digits(text, 17, 2, second % 60);
        int nanos = instant.getNano();
        int length = SHORT;
        if (nanos != 0) {
            // Thousandths, millionths or billionths, whatever is needed.
            int width = nanos % 1000 != 0 ? 9 : nanos % 1_000_000 != 0 ? 6 : 3;
            text[SHORT] = '.';
            digits(text, SHORT + 1, width, width == 9 ? nanos : width == 6 ? nanos / 1000 : nanos / 1_000_000);
            length += 1 + width;
        }
        text[length] = 'Z';
        return length + 1 == LONG ? text : Arrays.copyOf(text, length + 1);
    }

    private static void digits(byte[] text, int from, int width, int number) {
        int rest = number;
        for (int i = from + width - 1; i >= from; i--) {
            text[i] = (byte) ('0' + rest % 10);
            rest /= 10;
        }
    }

    /** Up to the second, as it was read last: the next one is mostly of the same. */
    private static volatile Second last = new Second("1970-01-01T00:00:00", 0);

    private record Second(String text, long seconds) {}

    public static Instant parse(String text) {
        int length = text.length();
        boolean plain = length >= 20
                && text.charAt(4) == '-'
                && text.charAt(10) == 'T'
                && text.charAt(length - 1) == 'Z'
                && (length == 20 || text.charAt(SHORT) == '.');
        if (!plain) {
            return Instant.parse(text);
        }
        try {
            Second second = last;
            if (!text.startsWith(second.text())) {
                long days = LocalDate.of(number(text, 0, 4), number(text, 5, 7), number(text, 8, 10))
                        .toEpochDay();
                second = new Second(
                        text.substring(0, SHORT),
                        days * SECONDS_OF_DAY
                                + number(text, 11, 13) * 3600L
                                + number(text, 14, 16) * 60L
                                + number(text, 17, 19));
                last = second;
            }
            long nanos = length == 20 ? 0 : number(text, 20, length - 1);
            for (int digits = length - 21; length > 20 && digits < 9; digits++) {
                nanos *= 10;
            }
            return Instant.ofEpochSecond(second.seconds(), nanos);
        } catch (NumberFormatException | DateTimeException e) {
            return Instant.parse(text);
        }
    }

    private static int number(String text, int from, int to) {
        int number = 0;
        for (int i = from; i < to; i++) {
            int digit = text.charAt(i) - '0';
            if (digit < 0 || digit > 9) {
                throw new NumberFormatException();
            }
            number = number * 10 + digit;
        }
        return number;
    }
}
