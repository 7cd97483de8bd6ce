package dev.wharf.core.journal;

import java.util.UUID;

/** Names one command for ever, so that the same command delivered twice is done once. */
public record CommandId(String value) {
    private static final String FORM = "[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}";

    /** The command of everything Wharf does by itself. */
    public static final CommandId NONE = new CommandId("none");

    private static final String ONCE = "once-";

    /** A UUID as text is as long as this, behind {@link #ONCE}. */
    private static final int ONCE_LENGTH = ONCE.length() + 36;

    public CommandId {
        if (!isValid(value)) {
            throw new IllegalArgumentException("invalid command id \"" + value + "\": must match " + FORM);
        }
    }

    /** The id of a command to which its sender gave none, so that nobody can deliver it again. */
    public static CommandId once() {
        return new CommandId(ONCE + UUID.randomUUID());
    }

    /** Whether somebody may deliver this command again. */
    public boolean mayComeAgain() {
        return !equals(NONE) && !isOnce(value);
    }

    /** Whether a sender may call a command so. */
    public static boolean isForSenders(String value) {
        return isValid(value) && !value.equals(NONE.value) && !isOnce(value);
    }

    private static boolean isOnce(String value) {
        return value.length() == ONCE_LENGTH && value.startsWith(ONCE) && value.indexOf('.') < 0;
    }

    /** By hand, for every batch of a journal that is read again has one, and a matcher costs as much as the rest of it. */
    private static boolean isValid(String value) {
        boolean valid = !value.isEmpty() && value.length() <= 128 && isAlphanumeric(value.charAt(0));
        for (int i = 1; valid && i < value.length(); i++) {
            char c = value.charAt(i);
            valid = isAlphanumeric(c) || c == '_' || c == '.' || c == ':' || c == '-';
        }
        return valid;
    }

    private static boolean isAlphanumeric(char c) {
        return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9';
    }

    @Override
    public String toString() {
        return value;
    }
}
