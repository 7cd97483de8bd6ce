package dev.wharf.model;

import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Sizes as people write them, {@code 10G} or {@code 1.5 gib}: units are powers of 1024, however they are spelled. */
public final class ByteCount {
    private static final Pattern FORM = Pattern.compile("(\\d+(?:\\.\\d+)?) ?(?:([kmgtp])(?:i?b)?|b)?");

    private ByteCount() {}

    /** Empty for what is no size, or more than any disk. */
    public static Optional<Long> parse(String text) {
        Matcher matcher = FORM.matcher(text.strip().toLowerCase(Locale.ROOT));
        if (!matcher.matches() || matcher.group(1).length() > 18) {
            return Optional.empty();
        }
        String unit = matcher.group(2);
        int power = unit == null ? 0 : "kmgtp".indexOf(unit) + 1;
        double bytes = Double.parseDouble(matcher.group(1)) * Math.pow(1024, power);
        return bytes < Long.MAX_VALUE ? Optional.of((long) bytes) : Optional.empty();
    }
}
