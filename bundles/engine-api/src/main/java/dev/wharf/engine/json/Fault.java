package dev.wharf.engine.json;

import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** Finds where a text stops being JSON and says so in the words of Go's decoder, which tests of Docker's clients compare. */
public final class Fault {
    /** Deeper documents are refused for that, whatever else is wrong with them. */
    private static final int DEEPEST = 64;

    private final String text;
    private int at;

    private Fault(String text) {
        this.text = text;
    }

    /** Thrown where the text goes wrong; its message is the answer. */
    private static final class Found extends Exception {
        private static final long serialVersionUID = 1;

        Found(String message) {
            super(message, null, false, false);
        }
    }

    /** What is wrong with the first value in {@code document}; empty where nothing is, but for what follows it. */
    public static Optional<String> of(byte[] document) {
        try {
            new Fault(new String(document, StandardCharsets.UTF_8)).value(0);
            return Optional.empty();
        } catch (Found e) {
            return Optional.ofNullable(e.getMessage());
        }
    }

    private char next() throws Found {
        if (at == text.length()) {
            throw new Found("unexpected EOF");
        }
        return text.charAt(at++);
    }

    private char past() throws Found {
        char c = next();
        while (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
            c = next();
        }
        return c;
    }

    private static Found wrong(char c, String where) {
        String shown = switch (c) {
            case '\'' -> "\\'";
            case '\\' -> "\\\\";
            case '\n' -> "\\n";
            case '\r' -> "\\r";
            case '\t' -> "\\t";
            default -> c < ' ' ? String.format("\\x%02x", (int) c) : String.valueOf(c);
        };
        return new Found("invalid character '" + shown + "' " + where);
    }

    private void value(int depth) throws Found {
        if (depth > DEEPEST) {
            throw new Found("exceeded max depth");
        }
        char c = past();
        switch (c) {
            case '{' -> object(depth);
            case '[' -> array(depth);
            case '"' -> string();
            case 't' -> literal("true");
            case 'f' -> literal("false");
            case 'n' -> literal("null");
            default -> {
                if (c != '-' && !isDigit(c)) {
                    throw wrong(c, "looking for beginning of value");
                }
                number(c);
            }
        }
    }

    private void object(int depth) throws Found {
        char c = past();
        if (c == '}') {
            return;
        }
        while (true) {
            if (c != '"') {
                throw wrong(c, "looking for beginning of object key string");
            }
            string();
            c = past();
            if (c != ':') {
                throw wrong(c, "after object key");
            }
            value(depth + 1);
            c = past();
            if (c == '}') {
                return;
            }
            if (c != ',') {
                throw wrong(c, "after object key:value pair");
            }
            c = past();
        }
    }

    private void array(int depth) throws Found {
        if (past() == ']') {
            return;
        }
        at--;
        while (true) {
            value(depth + 1);
            char c = past();
            if (c == ']') {
                return;
            }
            if (c != ',') {
                throw wrong(c, "after array element");
            }
        }
    }

    private void string() throws Found {
        for (char c = next(); c != '"'; c = next()) {
            if (c < ' ') {
                throw wrong(c, "in string literal");
            }
            if (c == '\\') {
                escape(next());
            }
        }
    }

    private void escape(char c) throws Found {
        if (c == 'u') {
            for (int i = 0; i < 4; i++) {
                char digit = next();
                if (Character.digit(digit, 16) < 0) {
                    throw wrong(digit, "in \\u hexadecimal character escape");
                }
            }
        } else if ("\"\\/bfnrt".indexOf(c) < 0) {
            throw wrong(c, "in string escape code");
        }
    }

    private void literal(String word) throws Found {
        for (int i = 1; i < word.length(); i++) {
            char c = next();
            if (c != word.charAt(i)) {
                throw wrong(c, "in literal " + word + " (expecting '" + word.charAt(i) + "')");
            }
        }
    }

    private void number(char first) throws Found {
        char c = first;
        if (c == '-') {
            c = next();
            if (!isDigit(c)) {
                throw wrong(c, "in numeric literal");
            }
        }
        if (c != '0') {
            digits();
        }
        if (follows('.')) {
            oneDigit("after decimal point in numeric literal");
            digits();
        }
        if (follows('e') || follows('E')) {
            if (!follows('+')) {
                follows('-');
            }
            oneDigit("in exponent of numeric literal");
            digits();
        }
    }

    private boolean follows(char wanted) {
        boolean so = at < text.length() && text.charAt(at) == wanted;
        at += so ? 1 : 0;
        return so;
    }

    private void oneDigit(String where) throws Found {
        char c = next();
        if (!isDigit(c)) {
            throw wrong(c, where);
        }
    }

    private void digits() {
        while (at < text.length() && isDigit(text.charAt(at))) {
            at++;
        }
    }

    private static boolean isDigit(char c) {
        return c >= '0' && c <= '9';
    }
}
