package dev.wharf.model;

import java.util.regex.Pattern;

/** Names one command run inside a container beside its first process: 64 hexadecimal digits. */
public record ExecId(String value) {
    private static final Pattern FORM = Pattern.compile("[0-9a-f]{64}");

    public ExecId {
        Checks.matching(FORM, value, "exec id");
    }

    @Override
    public String toString() {
        return value;
    }
}
