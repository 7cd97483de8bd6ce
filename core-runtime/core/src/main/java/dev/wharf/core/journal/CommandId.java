package dev.wharf.core.journal;

import java.util.regex.Pattern;

/** Names one command for ever, so that the same command delivered twice is done once. */
public record CommandId(String value) {
    // First, because the constant below is checked against it.
    private static final Pattern FORM = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}");

    /** The command of everything Wharf does by itself. */
    public static final CommandId NONE = new CommandId("none");

    public CommandId {
        if (!FORM.matcher(value).matches()) {
            throw new IllegalArgumentException("invalid command id \"" + value + "\": must match " + FORM);
        }
    }

    @Override
    public String toString() {
        return value;
    }
}
