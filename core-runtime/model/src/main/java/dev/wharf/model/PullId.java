package dev.wharf.model;

import java.util.regex.Pattern;

/** Names one wish to bring an image here, by pull, load, import or commit: 32 hexadecimal digits. */
public record PullId(String value) implements SubjectId {
    private static final Pattern FORM = Pattern.compile("[0-9a-f]{32}");

    public PullId {
        Checks.matching(FORM, value, "pull id");
    }

    @Override
    public String kind() {
        return "pull";
    }

    @Override
    public String toString() {
        return value;
    }
}
