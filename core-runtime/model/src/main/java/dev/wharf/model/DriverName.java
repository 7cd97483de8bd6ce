package dev.wharf.model;

import java.util.regex.Pattern;

/** The name an operator writes for a driver, such as {@code overlay} or {@code bridge}. */
public record DriverName(String value) {
    private static final Pattern FORM = Pattern.compile("[a-z0-9][a-z0-9_.-]{0,62}");

    public DriverName {
        Checks.matching(FORM, value, "driver name");
    }

    @Override
    public String toString() {
        return value;
    }
}
