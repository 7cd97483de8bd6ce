package dev.wharf.build.context;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The permissions that {@code --chmod} asks for: a number, or changes of those that a file has, as chmod(1) words them. */
public final class Mode {
    private static final Pattern NUMBER = Pattern.compile("[0-7]{1,5}");
    private static final Pattern CLAUSE = Pattern.compile("([ugoa]*)((?:[-+=](?:[ugo]|[rwxXst]*))+)");
    private static final Pattern ACTION = Pattern.compile("([-+=])([ugo]|[rwxXst]*)");

    private static final int ALL = 07777;
    private static final int EXECUTE = 0111;

    private final String text;
    private final List<Change> changes;

    private Mode(String text, List<Change> changes) {
        this.text = text;
        this.changes = List.copyOf(changes);
    }

    /**
     * One change.
     *
     * @param whose the bits that it may touch
     * @param sign what it does: {@code =}, {@code +} or {@code -}
     * @param bits the bits it is about, for everybody; none where {@code like} says
     * @param like whose bits are taken as they are, by their place from the right; -1 for nobody's
     * @param ifExecutable whether it is also about executing, where that is already allowed to somebody, or a directory entered
     */
    private record Change(int whose, char sign, int bits, int like, boolean ifExecutable) {
        int of(int before, boolean directory) {
            int wanted = like < 0 ? bits : (before >> like & 07) * EXECUTE;
            if (ifExecutable && (directory || (before & EXECUTE) != 0)) {
                wanted |= EXECUTE;
            }
            wanted &= whose;
            return switch (sign) {
                case '+' -> before | wanted;
                case '-' -> before & ~wanted;
                default -> before & ~whose | wanted;
            };
        }
    }

    /** @throws IllegalArgumentException for what is neither a number nor such words */
    public static Mode parse(String text) {
        if (NUMBER.matcher(text).matches()) {
            return new Mode(text, List.of(new Change(ALL, '=', Integer.parseInt(text, 8) & ALL, -1, false)));
        }
        List<Change> changes = new ArrayList<>();
        for (String clause : text.split(",", -1)) {
            Matcher parts = CLAUSE.matcher(clause);
            if (!parts.matches()) {
                throw new IllegalArgumentException("\"" + text + "\" is no mode: it is an octal number, or u+x,go-w");
            }
            int whose = whose(parts.group(1));
            Matcher action = ACTION.matcher(parts.group(2));
            while (action.find()) {
                changes.add(change(whose, action.group(1).charAt(0), action.group(2)));
            }
        }
        return new Mode(text, changes);
    }

    private static int whose(String names) {
        int whose = names.isEmpty() ? ALL : 0;
        for (char name : names.toCharArray()) {
            whose |= switch (name) {
                case 'u' -> 04700;
                case 'g' -> 02070;
                case 'o' -> 01007;
                default -> ALL;
            };
        }
        return whose;
    }

    private static Change change(int whose, char sign, String permissions) {
        int like = permissions.isEmpty() ? -1 : "ogu".indexOf(permissions) * 3;
        if (like >= 0) {
            return new Change(whose, sign, 0, like, false);
        }
        int bits = 0;
        for (char one : permissions.toCharArray()) {
            bits |= switch (one) {
                case 'r' -> 0444;
                case 'w' -> 0222;
                case 'x' -> EXECUTE;
                case 's' -> 06000;
                case 't' -> 01000;
                default -> 0;
            };
        }
        return new Change(whose, sign, bits, -1, permissions.contains("X"));
    }

    /** The permissions of what had {@code before}. */
    public int of(int before, boolean directory) {
        int mode = before;
        for (Change change : changes) {
            mode = change.of(mode, directory);
        }
        return mode;
    }

    /** As it is written. */
    @Override
    public String toString() {
        return text;
    }
}
