package dev.wharf.build.context;

import dev.wharf.build.dockerfile.BoundedText;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * Patterns of files to leave out, as a .dockerignore has them: {@code *} and {@code ?} within one name, {@code **} over many,
 * {@code !} to take back in, the last match wins, and what matches a directory matches everything below it.
 */
public final class Patterns {
    public static final Patterns NONE = new Patterns(List.of());

    private record One(Pattern pattern, boolean takesBack) {}

    private final List<One> all;

    private Patterns(List<One> all) {
        this.all = all;
    }

    /** The lines of a file; an IllegalArgumentException says what is wrong with one. */
    public static Patterns parse(List<String> lines) {
        List<One> all = new ArrayList<>();
        for (String one : cleaned(lines)) {
            boolean takesBack = one.startsWith("!");
            all.add(new One(compile(takesBack ? one.substring(1) : one), takesBack));
        }
        return new Patterns(all);
    }

    /** The patterns alone, without comments, spaces and dots; an IllegalArgumentException says what is wrong with one. */
    public static List<String> cleaned(List<String> lines) {
        List<String> all = new ArrayList<>();
        for (String one : lines) {
            // Some editors begin a file with a byte order mark.
            String line = one.startsWith("\uFEFF") ? one.substring(1) : one;
            String text = line.strip();
            if (line.startsWith("#") || text.isEmpty()) {
                continue;
            }
            boolean takesBack = text.startsWith("!");
            String path = clean(takesBack ? text.substring(1).strip() : text);
            if (path.isEmpty() && takesBack) {
                throw new IllegalArgumentException("illegal exclusion pattern: \"!\"");
            }
            // The context itself cannot be left out: Docker passes over a dot alone, and over nothing but a slash.
            if (!path.isEmpty()) {
                all.add(takesBack ? "!" + path : path);
            }
        }
        return all;
    }

    private static String clean(String path) {
        List<String> parts = new ArrayList<>();
        for (String part : path.split("/")) {
            if (part.equals("..")) {
                if (!parts.isEmpty()) {
                    parts.remove(parts.size() - 1);
                }
            } else if (!part.isEmpty() && !part.equals(".")) {
                parts.add(part);
            }
        }
        return String.join("/", parts);
    }

    private static Pattern compile(String glob) {
        StringBuilder regex = new StringBuilder();
        for (int i = 0; i < glob.length(); i++) {
            char c = glob.charAt(i);
            if (c == '*' && i + 1 < glob.length() && glob.charAt(i + 1) == '*') {
                i++;
                if (i + 1 < glob.length() && glob.charAt(i + 1) == '/') {
                    i++;
                    regex.append("(?:.*/)?");
                } else {
                    regex.append(".*");
                }
            } else {
                i = Globs.one(glob, i, regex);
            }
        }
        try {
            return Pattern.compile(regex + "(?:/.*)?", Pattern.DOTALL);
        } catch (PatternSyntaxException e) {
            throw new IllegalArgumentException("syntax error in pattern: " + glob, e);
        }
    }

    /** Whether a path, relative and without dots, is left out. */
    public boolean leavesOut(String path) {
        boolean out = false;
        for (One one : all) {
            if (out == one.takesBack
                    && one.pattern.matcher(new BoundedText(path)).matches()) {
                out = !one.takesBack;
            }
        }
        return out;
    }

    /** Whether something below a directory that is left out may be taken back in. */
    public boolean takesBackAny() {
        return all.stream().anyMatch(One::takesBack);
    }

    public boolean isEmpty() {
        return all.isEmpty();
    }
}
