package dev.wharf.engine;

import java.time.Duration;

/** Reads how long something lasts, as an operator writes it: {@code 90s}, {@code 10m}, {@code 12h}, {@code 7d}. */
final class Spans {
    private Spans() {}

    static Duration parse(String text) {
        if (!text.matches("[0-9]{1,9}[smhd]")) {
            throw new IllegalArgumentException("expected a time such as 90s, 10m, 12h or 7d");
        }
        long number = Long.parseLong(text.substring(0, text.length() - 1));
        return switch (text.charAt(text.length() - 1)) {
            case 's' -> Duration.ofSeconds(number);
            case 'm' -> Duration.ofMinutes(number);
            case 'h' -> Duration.ofHours(number);
            default -> Duration.ofDays(number);
        };
    }
}
