package dev.wharf.model;

import java.util.regex.Pattern;

/** Names a container: 64 lower-case hexadecimal digits, chosen by the caller of {@code create}. */
public record ContainerId(String value) implements SubjectId {
    private static final Pattern FORM = Pattern.compile("[0-9a-f]{64}");

    public ContainerId {
        Checks.matching(FORM, value, "container id");
    }

    @Override
    public String kind() {
        return "container";
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
