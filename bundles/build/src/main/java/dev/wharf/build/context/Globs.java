package dev.wharf.build.context;

import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/** Wildcards of COPY and ADD, as Go's filepath.Match has them. */
public final class Globs {
    private Globs() {}

    public static boolean isGlob(String path) {
        for (int i = 0; i < path.length(); i++) {
            char c = path.charAt(i);
            if (c == '\\') {
                i++;
            } else if (c == '*' || c == '?' || c == '[') {
                return true;
            }
        }
        return false;
    }

    /** An IllegalArgumentException where the pattern is none. */
    public static Pattern compile(String glob) {
        StringBuilder regex = new StringBuilder();
        for (int i = 0; i < glob.length(); i++) {
            i = one(glob, i, regex);
        }
        try {
            return Pattern.compile(regex.toString(), Pattern.DOTALL);
        } catch (PatternSyntaxException e) {
            throw new IllegalArgumentException("syntax error in pattern: " + glob, e);
        }
    }

    /** Translates what is at {@code i}, and answers with where it ends. */
    static int one(String glob, int i, StringBuilder regex) {
        char c = glob.charAt(i);
        switch (c) {
            case '*' -> regex.append("[^/]*");
            case '?' -> regex.append("[^/]");
            case '[' -> {
                int end = glob.indexOf(']', i + 2);
                if (end < 0) {
                    throw new IllegalArgumentException("syntax error in pattern: " + glob);
                }
                String set = glob.substring(i + 1, end);
                boolean not = set.startsWith("^");
                regex.append(not ? "[^/" : "[")
                        .append((not ? set.substring(1) : set)
                                .replace("\\", "\\\\")
                                .replace("[", "\\[")
                                .replace("&", "\\&")
                                .replace("^", "\\^"))
                        .append(']');
                return end;
            }
            case '\\' -> {
                if (i + 1 == glob.length()) {
                    throw new IllegalArgumentException("syntax error in pattern: " + glob);
                }
                regex.append(Pattern.quote(String.valueOf(glob.charAt(i + 1))));
                return i + 1;
            }
            default -> regex.append(Pattern.quote(String.valueOf(c)));
        }
        return i;
    }
}
