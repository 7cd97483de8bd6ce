package dev.wharf.model;

import java.util.regex.Pattern;

/** Names a network: 64 lower-case hexadecimal digits. */
public record NetworkId(String value) implements SubjectId {
    private static final Pattern FORM = Pattern.compile("[0-9a-f]{64}");

    public NetworkId {
        Checks.matching(FORM, value, "network id");
    }

    @Override
    public String kind() {
        return "network";
    }

    /** The first twelve digits, as people see them. */
    public String shortForm() {
        return value.substring(0, 12);
    }

    @Override
    public String toString() {
        return value;
    }
}
