package dev.wharf.engine.images;

import dev.wharf.engine.http.Problem;
import java.util.regex.Pattern;

/** Patterns of Go's path.Match, in which Docker lists images by name: {@code *}, {@code ?}, {@code [a-c]} and {@code \}. */
final class Glob {
    private final String pattern;
    private final StringBuilder regex = new StringBuilder();
    private int at;

    private Glob(String pattern) {
        this.pattern = pattern;
    }

    /** The pattern as a regular expression; one that is none is an error of the client. */
    static Pattern compile(String pattern) {
        return new Glob(pattern).compiled();
    }

    private Pattern compiled() {
        while (at < pattern.length()) {
            char c = pattern.charAt(at++);
            switch (c) {
                case '*' -> regex.append("[^/]*");
                case '?' -> regex.append("[^/]");
                case '[' -> range();
                case '\\' -> literal(next());
                default -> literal(c);
            }
        }
        return Pattern.compile(regex.toString());
    }

    private void range() {
        regex.append('[');
        if (peek() == '^') {
            at++;
            regex.append('^');
        }
        boolean empty = true;
        while (empty || peek() != ']') {
            literal(member());
            if (peek() == '-') {
                at++;
                regex.append('-');
                literal(member());
            }
            empty = false;
        }
        at++;
        regex.append(']');
    }

    private char member() {
        char c = next();
        if (c == '-' || c == ']') {
            throw bad();
        }
        return c == '\\' ? next() : c;
    }

    private void literal(char c) {
        regex.append(Character.isLetterOrDigit(c) ? "" : "\\").append(c);
    }

    private char peek() {
        if (at >= pattern.length()) {
            throw bad();
        }
        return pattern.charAt(at);
    }

    private char next() {
        char c = peek();
        at++;
        return c;
    }

    private Problem bad() {
        return Problem.invalid("invalid filter 'reference=" + pattern + "': syntax error in pattern");
    }
}
