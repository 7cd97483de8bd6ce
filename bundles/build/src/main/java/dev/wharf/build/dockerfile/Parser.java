package dev.wharf.build.dockerfile;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.wharf.model.GoDuration;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads a Dockerfile by the rules of Docker's own parser, odd corners included. Use once. */
final class Parser {
    private static final ObjectMapper JSON =
            new ObjectMapper().enable(com.fasterxml.jackson.databind.DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    private static final Pattern DIRECTIVE = Pattern.compile("^#[ \t]*([a-zA-Z][a-zA-Z0-9]*)[ \t]*=[ \t]*(.+?)[ \t]*$");
    private static final Set<String> DIRECTIVES = Set.of("syntax", "escape", "check");
    private static final Pattern HEREDOC = Pattern.compile("^(\\d*)<<(-?)([^<]*)$");
    private static final Pattern FLAG = Pattern.compile("--([a-zA-Z][a-zA-Z0-9-]*)(=.*)?", Pattern.DOTALL);

    /** What an instruction's arguments look like. */
    private enum Form {
        /** One text. */
        TEXT,
        /** One text, or a JSON array. */
        TEXT_OR_ARRAY,
        /** Words, or a JSON array. */
        WORDS_OR_ARRAY,
        /** Words between white space. */
        WORDS,
        /** {@code name=value} many times, or {@code name value} once. */
        PAIRS,
        /** {@code name} or {@code name=value}, many times. */
        NAMES,
        /** Another instruction. */
        INSTRUCTION,
        /** NONE, or CMD and what follows it. */
        CHECK
    }

    private static final Map<String, Form> FORMS = Map.ofEntries(
            Map.entry("ADD", Form.WORDS_OR_ARRAY),
            Map.entry("ARG", Form.NAMES),
            Map.entry("CMD", Form.TEXT_OR_ARRAY),
            Map.entry("COPY", Form.WORDS_OR_ARRAY),
            Map.entry("ENTRYPOINT", Form.TEXT_OR_ARRAY),
            Map.entry("ENV", Form.PAIRS),
            Map.entry("EXPOSE", Form.WORDS),
            Map.entry("FROM", Form.WORDS),
            Map.entry("HEALTHCHECK", Form.CHECK),
            Map.entry("LABEL", Form.PAIRS),
            Map.entry("MAINTAINER", Form.TEXT),
            Map.entry("ONBUILD", Form.INSTRUCTION),
            Map.entry("RUN", Form.TEXT_OR_ARRAY),
            Map.entry("SHELL", Form.TEXT_OR_ARRAY),
            Map.entry("STOPSIGNAL", Form.TEXT),
            Map.entry("USER", Form.TEXT),
            Map.entry("VOLUME", Form.WORDS_OR_ARRAY),
            Map.entry("WORKDIR", Form.TEXT));

    private static final Map<String, Set<String>> FLAGS = Map.of(
            "FROM", Set.of("platform"),
            "RUN", Set.of("mount", "network", "security"),
            "COPY", Set.of("from", "chown", "chmod", "exclude", "parents", "link"),
            "ADD", Set.of("chown", "chmod", "exclude", "link", "checksum", "keep-git-dir", "unpack"),
            "HEALTHCHECK", Set.of("interval", "timeout", "start-period", "start-interval", "retries"));

    /** Flags that may be given more than once. */
    private static final Set<String> MANY = Set.of("mount", "exclude");

    private final String file;
    private final List<String> lines;
    private final Map<String, String> directives = new LinkedHashMap<>();
    private final List<Instruction> instructions = new ArrayList<>();
    private final List<String> warnings = new ArrayList<>();
    private final List<Integer> emptyContinuations = new ArrayList<>();
    private final List<String> comments = new ArrayList<>();
    private char escape = '\\';
    private int at;

    Parser(String file, String text) {
        this.file = file;
        String bare = text.startsWith("\uFEFF") ? text.substring(1) : text;
        List<String> all = new ArrayList<>(List.of(bare.split("\n", -1)));
        all.replaceAll(line -> line.endsWith("\r") ? line.substring(0, line.length() - 1) : line);
        this.lines = all;
        if (text.length() > Dockerfile.LARGEST) {
            lines.clear();
        }
    }

    Dockerfile parse() throws DockerfileException {
        readDirectives();
        for (; at < lines.size(); at++) {
            String line = lines.get(at).stripLeading();
            if (line.isEmpty()) {
                comments.clear();
            } else if (line.startsWith("#")) {
                comments.add(line.substring(1).strip());
            } else {
                readInstruction();
                comments.clear();
            }
            if (instructions.size() > Dockerfile.MOST_INSTRUCTIONS) {
                throw DockerfileException.of(file + " has more than " + Dockerfile.MOST_INSTRUCTIONS + " instructions");
            }
        }
        if (instructions.isEmpty()) {
            throw DockerfileException.of("file with no instructions: " + file + " has nothing to build");
        }
        return new Dockerfile(file, escape, directives, instructions, warnings, emptyContinuations);
    }

    // ---- lines

    /** Only the very first lines may be directives; the first line that is none ends them. */
    private void readDirectives() throws DockerfileException {
        for (int i = 0; i < lines.size(); i++) {
            Matcher directive = DIRECTIVE.matcher(lines.get(i).strip());
            if (!directive.matches()) {
                return;
            }
            String name = directive.group(1).toLowerCase(Locale.ROOT);
            if (!DIRECTIVES.contains(name)) {
                return;
            }
            String value = directive.group(2);
            if (directives.put(name, value) != null) {
                throw DockerfileException.at(place(i, 1, ""), "only one " + name + " parser directive can be used");
            }
            if (name.equals("escape")) {
                if (!value.equals("\\") && !value.equals("`")) {
                    throw DockerfileException.at(
                            place(i, lines.get(i).indexOf(value) + 1, ""),
                            "invalid ESCAPE '" + value + "'. Must be ` or \\");
                }
                escape = value.charAt(0);
            }
        }
    }

    private Place place(int line, int column, String word) {
        return new Place(file, line + 1, Math.max(1, column), lines.get(line), word);
    }

    /** Puts continued lines together, reads here-documents, and leaves {@code at} on the last line. */
    private void readInstruction() throws DockerfileException {
        int first = at;
        StringBuilder code = new StringBuilder();
        String line = lines.get(at).stripLeading();
        boolean emptyLine = false;
        while (true) {
            int cut = continuation(line);
            if (cut < 0) {
                code.append(line);
                break;
            }
            code.append(line, 0, cut);
            int next = at + 1;
            boolean empty = false;
            while (next < lines.size() && isSkipped(lines.get(next))) {
                empty |= lines.get(next).isBlank();
                next++;
            }
            emptyLine |= empty && next < lines.size();
            if (next >= lines.size()) {
                at = lines.size() - 1;
                break;
            }
            at = next;
            line = lines.get(at);
        }
        if (emptyLine) {
            emptyContinuations.add(at + 1);
            warnings.add("[WARNING]: Empty continuation line found in:\n    " + code);
        }
        String whole = code.toString().stripTrailing();
        int column = lines.get(first).length() - lines.get(first).stripLeading().length() + 1;
        int space = 0;
        while (space < whole.length() && !Character.isWhitespace(whole.charAt(space))) {
            space++;
        }
        String word = whole.substring(0, space).toUpperCase(Locale.ROOT);
        Place place = place(first, column, FORMS.containsKey(word) ? word : "");
        Form form = FORMS.get(word);
        if (form == null) {
            throw DockerfileException.at(
                    place, "unknown instruction: " + whole.substring(0, space) + Suggestion.of(word, FORMS.keySet()));
        }
        List<Heredoc> heredocs =
                Set.of("RUN", "COPY", "ADD").contains(word) ? heredocs(whole.substring(space), place) : List.of();
        instructions.add(instruction(word, whole, whole.substring(space).strip(), place, form, heredocs));
    }

    /** A comment, or nothing: neither ends an instruction that goes on. */
    private static boolean isSkipped(String line) {
        return line.isBlank() || line.stripLeading().startsWith("#");
    }

    /** Where the escape character at the end of a line is; -1 where there is none, or where it is itself escaped. */
    private int continuation(String line) {
        int end = line.length();
        while (end > 0 && (line.charAt(end - 1) == ' ' || line.charAt(end - 1) == '\t')) {
            end--;
        }
        if (end == 0 || line.charAt(end - 1) != escape) {
            return -1;
        }
        boolean escaped = end > 1 && line.charAt(end - 2) == escape;
        return escaped ? -1 : end - 1;
    }

    // ---- here-documents

    private List<Heredoc> heredocs(String rest, Place place) throws DockerfileException {
        List<Heredoc> found = new ArrayList<>();
        if (rest.strip().startsWith("[") && array(rest.strip(), place, "").isPresent()) {
            return found;
        }
        for (String word : new Words(escape).rawWords(rest)) {
            Matcher heredoc = HEREDOC.matcher(word);
            if (!heredoc.matches()) {
                continue;
            }
            String quoted = heredoc.group(3);
            String name = quoted.replace("\"", "").replace("'", "");
            if (name.isEmpty() || name.chars().anyMatch(Character::isWhitespace)) {
                continue;
            }
            boolean strips = !heredoc.group(2).isEmpty();
            found.add(new Heredoc(name, quoted.equals(name), strips, body(name, strips, place)));
        }
        return found;
    }

    private String body(String name, boolean strips, Place place) throws DockerfileException {
        StringBuilder content = new StringBuilder();
        while (++at < lines.size()) {
            String line = lines.get(at);
            String bare = strips ? line.replaceFirst("^\t+", "") : line;
            if (bare.equals(name)) {
                return content.toString();
            }
            content.append(bare).append('\n');
        }
        throw DockerfileException.at(
                place, "unterminated heredoc: no line \"" + name + "\" ends what <<" + name + " begins");
    }

    // ---- arguments

    private Instruction instruction(
            String word, String code, String arguments, Place place, Form form, List<Heredoc> heredocs)
            throws DockerfileException {
        List<Instruction.Flag> flags = new ArrayList<>();
        String rest = word.equals("ONBUILD") ? arguments : flags(word, arguments, place, flags);
        boolean json = false;
        List<String> words = List.of();
        switch (form) {
            case TEXT -> words = rest.isEmpty() ? List.of() : List.of(rest);
            case TEXT_OR_ARRAY, WORDS_OR_ARRAY -> {
                Optional<List<String>> array = array(rest, place, word);
                json = array.isPresent();
                words = array.orElseGet(
                        () -> form == Form.WORDS_OR_ARRAY ? split(rest) : rest.isEmpty() ? List.of() : List.of(rest));
            }
            case WORDS -> words = split(rest);
            case PAIRS -> words = pairs(word, rest, place);
            case NAMES -> words = new Words(escape).rawWords(rest);
            case INSTRUCTION -> {
                if (rest.isEmpty()) {
                    throw requires(place, word, "at least one argument");
                }
                checkTrigger(rest, place);
                words = List.of(rest);
            }
            case CHECK -> {
                List<String> parts = split(rest);
                String kind = parts.isEmpty() ? "" : parts.get(0).toUpperCase(Locale.ROOT);
                String check = parts.isEmpty()
                        ? ""
                        : rest.substring(parts.get(0).length()).strip();
                if (kind.equals("CMD")) {
                    Optional<List<String>> array = array(check, place, word);
                    json = array.isPresent();
                    List<String> all = new ArrayList<>(List.of("CMD"));
                    all.addAll(array.orElse(check.isEmpty() ? List.of() : List.of(check)));
                    words = all;
                } else if (kind.isEmpty()) {
                    throw DockerfileException.at(place, "HEALTHCHECK requires at least one argument");
                } else {
                    words = new ArrayList<>(List.of(kind));
                    if (!check.isEmpty()) {
                        words.add(check);
                    }
                }
            }
        }
        checkCount(word, words, json, rest, place);
        if (form == Form.CHECK) {
            for (Instruction.Flag flag : flags) {
                // One that is given without a value is as good as none.
                String value = flag.value().orElse("");
                if (!value.isEmpty()) {
                    checkHealth(flag.name(), value, place);
                }
            }
        }
        return new Instruction(word, code, place, at + 1, comments, flags, rest, json, words, heredocs);
    }

    /** What can be told to be wrong before anything runs. */
    private static void checkCount(String word, List<String> words, boolean json, String rest, Place place)
            throws DockerfileException {
        switch (word) {
            case "FROM" -> {
                if (words.size() != 1 && (words.size() != 3 || !words.get(1).equalsIgnoreCase("AS"))) {
                    throw DockerfileException.at(place, "FROM requires either one or three arguments");
                }
            }
            case "COPY", "ADD" -> {
                if (words.size() < 2) {
                    throw DockerfileException.at(
                            place,
                            word + " requires at least two arguments, but only " + (words.isEmpty() ? "none" : "one")
                                    + " was provided. Destination could not be determined");
                }
            }
            case "ENV", "LABEL", "EXPOSE", "ARG", "VOLUME" -> {
                if (words.isEmpty()) {
                    throw requires(place, word, "at least one argument");
                }
                if (word.equals("ARG") && words.stream().anyMatch(w -> w.startsWith("="))) {
                    throw DockerfileException.at(place, "ARG names can not be blank");
                }
                if (word.equals("VOLUME") && words.stream().anyMatch(String::isBlank)) {
                    throw DockerfileException.at(place, "VOLUME specified can not be an empty string");
                }
            }
            case "SHELL" -> {
                if (!json) {
                    throw DockerfileException.at(place, "SHELL requires the arguments to be in JSON form");
                }
                if (words.isEmpty()) {
                    throw requires(place, word, "at least one argument");
                }
            }
            case "HEALTHCHECK" -> {
                String kind = words.get(0);
                if (kind.equals("NONE") && words.size() > 1) {
                    throw DockerfileException.at(place, "HEALTHCHECK NONE takes no arguments");
                }
                if (kind.equals("CMD") && words.size() < 2) {
                    throw DockerfileException.at(place, "Missing command after HEALTHCHECK CMD");
                }
                if (!kind.equals("NONE") && !kind.equals("CMD")) {
                    throw DockerfileException.at(place, "Unknown type \"" + kind + "\" in HEALTHCHECK (try CMD)");
                }
            }
            case "MAINTAINER", "USER", "WORKDIR", "STOPSIGNAL" -> {
                if (rest.isEmpty()) {
                    throw requires(place, word, "exactly one argument");
                }
            }
            case "RUN" -> {
                if (rest.isEmpty()) {
                    throw requires(place, word, "at least one argument");
                }
            }
            default -> {}
        }
    }

    private static void checkHealth(String flag, String value, Place place) throws DockerfileException {
        if (flag.equals("retries")) {
            if (!value.matches("-?[0-9]{1,9}")) {
                throw DockerfileException.at(place, "--retries must be a whole number");
            }
            if (Integer.parseInt(value) < 0) {
                throw DockerfileException.at(place, "--retries cannot be negative (" + value + ")");
            }
            return;
        }
        Duration span = GoDuration.parse(value)
                .orElseThrow(() -> DockerfileException.at(
                        place, "invalid duration \"" + value + "\" for --" + flag + "; write it as 1m30s"));
        if (!span.isZero() && span.compareTo(Duration.ofMillis(1)) < 0) {
            throw DockerfileException.at(place, "Interval \"" + flag + "\" cannot be less than 1ms");
        }
    }

    private static DockerfileException requires(Place place, String word, String what) {
        return DockerfileException.at(place, word + " requires " + what);
    }

    /** What may be no trigger is refused when it is written; a word that only others know is theirs to know when it fires. */
    private void checkTrigger(String text, Place place) throws DockerfileException {
        String word = split(text).get(0).toUpperCase(Locale.ROOT);
        if (word.equals("ONBUILD")) {
            throw DockerfileException.at(place, "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
        }
        if (word.equals("MAINTAINER") || word.equals("FROM")) {
            throw DockerfileException.at(place, word + " isn't allowed as an ONBUILD trigger");
        }
    }

    /** Takes the flags off the front of {@code text} and answers with the rest. */
    private String flags(String word, String text, Place place, List<Instruction.Flag> flags)
            throws DockerfileException {
        Set<String> known = FLAGS.getOrDefault(word, Set.of());
        String rest = text;
        while (rest.startsWith("--")) {
            int end = wordEnd(rest);
            String flag = rest.substring(0, end);
            rest = rest.substring(end).stripLeading();
            if (flag.equals("--")) {
                return rest;
            }
            Matcher parts = FLAG.matcher(unquoted(flag));
            if (!parts.matches() || known.isEmpty() || !known.contains(parts.group(1))) {
                // A command may well begin with two dashes; where no flag is known there is none.
                if (known.isEmpty()) {
                    return text;
                }
                String name = parts.matches() ? parts.group(1) : flag.substring(2);
                throw DockerfileException.at(place, "unknown flag: --" + name + Suggestion.of(name, known));
            }
            String name = parts.group(1);
            if (!MANY.contains(name) && flags.stream().anyMatch(f -> f.name().equals(name))) {
                throw DockerfileException.at(place, "duplicate flag specified: --" + name);
            }
            Optional<String> value = Optional.ofNullable(parts.group(2)).map(v -> v.substring(1));
            if (value.isEmpty()
                    && !Set.of("link", "parents", "keep-git-dir", "unpack").contains(name)) {
                throw DockerfileException.at(place, "missing a value on flag: --" + name);
            }
            flags.add(new Instruction.Flag(name, value));
        }
        return rest;
    }

    private int wordEnd(String text) {
        char quote = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == escape && quote != '\'' && i + 1 < text.length()) {
                i++;
            } else if (quote != 0) {
                quote = c == quote ? 0 : quote;
            } else if (c == '"' || c == '\'') {
                quote = c;
            } else if (Character.isWhitespace(c)) {
                return i;
            }
        }
        return text.length();
    }

    private String unquoted(String flag) {
        StringBuilder bare = new StringBuilder();
        char quote = 0;
        for (int i = 0; i < flag.length(); i++) {
            char c = flag.charAt(i);
            if (c == escape && quote != '\'' && i + 1 < flag.length()) {
                bare.append(flag.charAt(++i));
            } else if (quote == 0 && (c == '"' || c == '\'')) {
                quote = c;
            } else if (quote == c) {
                quote = 0;
            } else {
                bare.append(c);
            }
        }
        return bare.toString();
    }

    private static List<String> split(String text) {
        return text.isBlank() ? List.of() : List.of(text.strip().split("\\s+"));
    }

    /** Name and value by turns. */
    private List<String> pairs(String word, String text, Place place) throws DockerfileException {
        List<String> raw = new Words(escape).rawWords(text);
        if (raw.isEmpty()) {
            return raw;
        }
        List<String> pairs = new ArrayList<>();
        if (!raw.get(0).contains("=")) {
            // The old form: everything after the name is the value.
            String[] parts = text.strip().split("\\s+", 2);
            if (parts.length < 2) {
                throw DockerfileException.at(place, word + " must have two arguments");
            }
            pairs.add(parts[0]);
            pairs.add(parts[1]);
            return pairs;
        }
        for (String one : raw) {
            int equals = one.indexOf('=');
            if (equals < 0) {
                throw DockerfileException.at(
                        place, "Syntax error - can't find = in \"" + one + "\". Must be of the form: name=value");
            }
            if (equals == 0) {
                throw DockerfileException.at(place, word + " names can not be blank");
            }
            pairs.add(one.substring(0, equals));
            pairs.add(one.substring(equals + 1));
        }
        return pairs;
    }

    /** A JSON array of texts; empty where it is none, which is then a command for a shell. */
    private static Optional<List<String>> array(String text, Place place, String word) throws DockerfileException {
        if (!text.startsWith("[")) {
            return Optional.empty();
        }
        JsonNode node;
        try {
            node = JSON.readTree(text);
        } catch (JsonProcessingException e) {
            return Optional.empty();
        }
        if (!node.isArray()) {
            return Optional.empty();
        }
        List<String> words = new ArrayList<>();
        for (JsonNode element : node) {
            if (!element.isTextual()) {
                if (word.isEmpty()) {
                    return Optional.empty();
                }
                throw DockerfileException.at(
                        place, "when using JSON array syntax, arrays must be comprised of strings only");
            }
            words.add(element.textValue());
        }
        return Optional.of(words);
    }
}
