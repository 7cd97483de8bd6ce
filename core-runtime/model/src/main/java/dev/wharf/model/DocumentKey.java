package dev.wharf.model;

import java.util.regex.Pattern;

/** Names a document of desired state: {@code host/NAME} is for one host, {@code group/NAME} for all that its selector chooses. */
public record DocumentKey(String value) implements SubjectId {
    private static final Pattern FORM = Pattern.compile("(host|group)/[A-Za-z0-9][A-Za-z0-9_.-]{0,99}");

    public DocumentKey {
        if (!FORM.matcher(value).matches()) {
            throw new IllegalArgumentException("invalid key of desired state \"" + value + "\": must match " + FORM);
        }
    }

    @Override
    public String kind() {
        return "desired";
    }

    /** Whether it is for a group of hosts. */
    public boolean isGroup() {
        return value.startsWith("group/");
    }

    /** What stands behind the slash. */
    public String name() {
        return value.substring(value.indexOf('/') + 1);
    }

    @Override
    public String toString() {
        return value;
    }
}
