package dev.wharf.model;

import java.util.regex.Pattern;

/** Names a volume; a volume has no other identifier. */
public record VolumeName(String value) implements SubjectId {
    private static final Pattern FORM = Pattern.compile("[a-zA-Z0-9][a-zA-Z0-9_.-]*");

    public VolumeName {
        Checks.matching(FORM, value, "volume id");
    }

    @Override
    public String kind() {
        return "volume";
    }

    @Override
    public String toString() {
        return value;
    }
}
