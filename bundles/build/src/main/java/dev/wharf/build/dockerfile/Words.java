package dev.wharf.build.dockerfile;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.regex.Pattern;

/**
 * Splits and expands words as Docker does: quotes are taken away, {@code $name} and {@code ${name}} are replaced, and
 * {@code ${name:-word}}, {@code ${name:+word}}, {@code ${name:?word}} (each also without the colon), {@code ${name#pattern}},
 * {@code ##}, {@code %}, {@code %%}, {@code /pattern/word} and {@code //} do what they do in a shell.
 */
public final class Words {
    /** The longest a text may become: variables that hold themselves twice grow without end otherwise. */
    public static final int LONGEST = 1 << 20;

    private static final int DEEPEST = 64;

    private final char escape;

    public Words(char escape) {
        this.escape = escape;
    }

    /** A text that cannot be expanded, said as Docker says it. */
    public static final class ExpansionException extends Exception {
        private static final long serialVersionUID = 1L;

        ExpansionException(String message) {
            super(message, null, false, false);
        }
    }

    /** Words between white space, with their quotes and escapes still on them. */
    List<String> rawWords(String text) {
        List<String> words = new ArrayList<>();
        StringBuilder word = new StringBuilder();
        boolean open = false;
        char quote = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == escape && quote != '\'' && i + 1 < text.length()) {
                word.append(c).append(text.charAt(++i));
                open = true;
            } else if (quote == 0 && Character.isWhitespace(c)) {
                if (open) {
                    words.add(word.toString());
                    word.setLength(0);
                    open = false;
                }
            } else {
                if (quote == 0 && (c == '"' || c == '\'')) {
                    quote = c;
                } else if (quote == c) {
                    quote = 0;
                }
                word.append(c);
                open = true;
            }
        }
        if (open) {
            words.add(word.toString());
        }
        return words;
    }

    /** The text with quotes taken away and variables replaced, as one word. */
    public String expand(String text, Function<String, Optional<String>> variables) throws ExpansionException {
        return new Reader(text, variables, false).word();
    }

    /** The same, but split at white space that is not quoted, after variables were replaced. */
    public List<String> expandAll(String text, Function<String, Optional<String>> variables) throws ExpansionException {
        Reader reader = new Reader(text, variables, false);
        reader.word();
        return reader.words();
    }

    /** A here-document's text: variables are replaced, quotes stay. */
    public String expandBody(String text, Function<String, Optional<String>> variables) throws ExpansionException {
        return new Reader(text, variables, true).word();
    }

    /** The names of the variables that a text mentions. */
    public Set<String> mentions(String text) {
        return mentions(text, false);
    }

    /** The names of the variables that a here-document's text mentions. */
    public Set<String> mentionsInBody(String text) {
        return mentions(text, true);
    }

    private Set<String> mentions(String text, boolean raw) {
        Set<String> names = new TreeSet<>();
        try {
            new Reader(
                            text,
                            name -> {
                                names.add(name);
                                return Optional.of("x");
                            },
                            raw)
                    .word();
        } catch (ExpansionException e) {
            // What was mentioned before the mistake was mentioned all the same.
            return names;
        }
        return names;
    }

    private final class Reader {
        private final String text;
        private final Function<String, Optional<String>> variables;
        private final boolean raw;
        private final List<String> words = new ArrayList<>();
        private final StringBuilder current = new StringBuilder();
        private boolean open;
        private int at;
        private int depth;

        Reader(String text, Function<String, Optional<String>> variables, boolean raw) {
            this.text = text;
            this.variables = variables;
            this.raw = raw;
        }

        List<String> words() {
            if (open) {
                words.add(current.toString());
                open = false;
            }
            return words;
        }

        String word() throws ExpansionException {
            return until((char) 0);
        }

        private void split(String value) {
            for (char c : value.toCharArray()) {
                if (Character.isWhitespace(c)) {
                    words();
                    current.setLength(0);
                } else {
                    add(c);
                }
            }
        }

        private void add(String value) {
            if (depth <= 1) {
                current.append(value);
                open = true;
            }
        }

        private void add(char c) {
            if (depth <= 1) {
                current.append(c);
                open = true;
            }
        }

        private String until(char stop) throws ExpansionException {
            if (++depth > DEEPEST) {
                throw new ExpansionException("variables are nested more than " + DEEPEST + " deep");
            }
            StringBuilder out = new StringBuilder();
            while (at < text.length()) {
                char c = text.charAt(at);
                if (stop != 0 && c == stop) {
                    depth--;
                    return out.toString();
                }
                if (!raw && c == '\'') {
                    String quoted = single();
                    out.append(quoted);
                    add(quoted);
                } else if (!raw && c == '"') {
                    String quoted = doubled();
                    out.append(quoted);
                    add(quoted);
                } else if (c == '$') {
                    String value = dollar();
                    out.append(value);
                    if (depth <= 1) {
                        split(value);
                    }
                } else if (c == escape && (!raw || isEscapedInBody())) {
                    at++;
                    if (at == text.length()) {
                        break;
                    }
                    out.append(text.charAt(at));
                    add(text.charAt(at++));
                } else {
                    out.append(c);
                    at++;
                    if (Character.isWhitespace(c) && depth <= 1) {
                        words();
                        current.setLength(0);
                    } else {
                        add(c);
                    }
                }
                if (out.length() > LONGEST) {
                    throw new ExpansionException("a text becomes longer than " + LONGEST
                            + " characters by its variables; look for one that holds itself");
                }
            }
            depth--;
            if (stop != 0) {
                throw new ExpansionException("unexpected end of statement while looking for matching "
                        + (stop == '}' ? "}" : String.valueOf(stop)));
            }
            return out.toString();
        }

        private boolean isEscapedInBody() {
            return at + 1 < text.length() && (text.charAt(at + 1) == '$' || text.charAt(at + 1) == escape);
        }

        private String single() throws ExpansionException {
            int end = text.indexOf('\'', at + 1);
            if (end < 0) {
                throw new ExpansionException("unexpected end of statement while looking for matching single-quote");
            }
            String inside = text.substring(at + 1, end);
            at = end + 1;
            return inside;
        }

        private String doubled() throws ExpansionException {
            StringBuilder out = new StringBuilder();
            at++;
            while (at < text.length()) {
                char c = text.charAt(at);
                if (c == '"') {
                    at++;
                    return out.toString();
                }
                if (c == '$') {
                    depth++;
                    out.append(dollar());
                    depth--;
                } else if (c == escape && at + 1 < text.length()) {
                    char next = text.charAt(at + 1);
                    // Inside double quotes only these three lose their meaning; before all else the escape stays.
                    if (next != '"' && next != '$' && next != escape) {
                        out.append(c);
                    }
                    out.append(next);
                    at += 2;
                } else {
                    out.append(c);
                    at++;
                }
                if (out.length() > LONGEST) {
                    throw new ExpansionException("a text becomes longer than " + LONGEST + " characters");
                }
            }
            throw new ExpansionException("unexpected end of statement while looking for matching double-quote");
        }

        private String dollar() throws ExpansionException {
            at++;
            if (at < text.length() && text.charAt(at) == '{') {
                at++;
                return braced();
            }
            String name = name();
            return name.isEmpty() ? "$" : variables.apply(name).orElse("");
        }

        private String name() {
            int begin = at;
            while (at < text.length()
                    && (Character.isLetter(text.charAt(at))
                            || text.charAt(at) == '_'
                            || at > begin && Character.isDigit(text.charAt(at)))) {
                at++;
            }
            if (at == begin
                    && at < text.length()
                    && (Character.isDigit(text.charAt(at)) || isSpecial(text.charAt(at)))) {
                at++;
            }
            return text.substring(begin, at);
        }

        private boolean isSpecial(char c) {
            return "@*#?-$!".indexOf(c) >= 0;
        }

        private String braced() throws ExpansionException {
            String name = name();
            if (name.isEmpty()) {
                throw new ExpansionException("bad substitution");
            }
            if (at == text.length()) {
                throw new ExpansionException("syntax error: missing '}'");
            }
            Optional<String> value = variables.apply(name);
            char c = text.charAt(at++);
            if (c == '}') {
                return value.orElse("");
            }
            boolean colon = c == ':';
            if (colon) {
                if (at == text.length()) {
                    throw new ExpansionException("syntax error: missing modifier after ':' in substitution");
                }
                c = text.charAt(at++);
            }
            switch (c) {
                case '-', '+', '?' -> {
                    String word = rest();
                    boolean there = colon ? value.filter(v -> !v.isEmpty()).isPresent() : value.isPresent();
                    if (c == '+') {
                        return there ? word : "";
                    }
                    if (!there && c == '?') {
                        throw new ExpansionException(
                                name + ": " + (word.isEmpty() ? "is not allowed to be unset" : word));
                    }
                    return there ? value.orElse("") : word;
                }
                case '#', '%' -> {
                    boolean longest = !colon && at < text.length() && text.charAt(at) == c;
                    if (longest) {
                        at++;
                    }
                    if (colon) {
                        throw new ExpansionException("unsupported modifier (:" + c + ") in substitution");
                    }
                    return trimmed(value.orElse(""), rest(), c == '#', longest);
                }
                case '/' -> {
                    if (colon) {
                        throw new ExpansionException("unsupported modifier (:/) in substitution");
                    }
                    boolean all = at < text.length() && text.charAt(at) == '/';
                    if (all) {
                        at++;
                    }
                    String pattern = inner('/');
                    at++;
                    Pattern regex = Pattern.compile(glob(pattern, true), Pattern.DOTALL);
                    String with = java.util.regex.Matcher.quoteReplacement(rest());
                    var matcher = regex.matcher(new BoundedText(value.orElse("")));
                    return all ? matcher.replaceAll(with) : matcher.replaceFirst(with);
                }
                default ->
                    throw new ExpansionException(
                            "unsupported modifier (" + (colon ? ":" : "") + c + ") in substitution");
            }
        }

        private String rest() throws ExpansionException {
            String word = inner('}');
            at++;
            return word;
        }

        /** A word inside braces is no word of its own, however deep. */
        private String inner(char stop) throws ExpansionException {
            depth++;
            try {
                return until(stop);
            } finally {
                depth--;
            }
        }

        private String trimmed(String value, String pattern, boolean front, boolean longest) {
            Pattern regex = Pattern.compile(glob(pattern, true), Pattern.DOTALL);
            BoundedText whole = new BoundedText(value);
            for (int i = 0; i <= value.length(); i++) {
                int length = longest ? value.length() - i : i;
                BoundedText part = front
                        ? whole.subSequence(0, length)
                        : whole.subSequence(value.length() - length, value.length());
                if (regex.matcher(part).matches()) {
                    return front ? value.substring(length) : value.substring(0, value.length() - length);
                }
            }
            return value;
        }

        private String glob(String pattern, boolean greedy) {
            StringBuilder regex = new StringBuilder();
            for (int i = 0; i < pattern.length(); i++) {
                char c = pattern.charAt(i);
                switch (c) {
                    case '*' -> regex.append(greedy ? ".*" : ".*?");
                    case '?' -> regex.append('.');
                    case '\\' -> {
                        if (i + 1 < pattern.length()) {
                            regex.append(Pattern.quote(String.valueOf(pattern.charAt(++i))));
                        }
                    }
                    default -> regex.append(Pattern.quote(String.valueOf(c)));
                }
            }
            return regex.toString();
        }
    }
}
