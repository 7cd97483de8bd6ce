package dev.wharf.model;

import java.util.regex.Pattern;

/** Names a service: something that is wanted in several copies, which are found on networks by this name. */
public record ServiceName(String value) implements SubjectId {
    private static final Pattern FORM = Pattern.compile("[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?");

    public ServiceName {
        if (!FORM.matcher(value).matches()) {
            throw new IllegalArgumentException("invalid service name \"" + value
                    + "\": lower-case letters, digits and - between them, at most 42 in all");
        }
    }

    @Override
    public String kind() {
        return "service";
    }

    @Override
    public String toString() {
        return value;
    }
}
