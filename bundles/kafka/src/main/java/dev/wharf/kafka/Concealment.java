package dev.wharf.kafka;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.wharf.kafka.desired.StrictJson;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Takes out of events what people keep secrets in and the host needs in its journal to run a container: the values of
 * environment variables and of arguments of builds, and of options of volumes and logs whose names speak of secrets. What is
 * left unchanged keeps every byte that the journal has.
 */
final class Concealment {
    static final String HIDDEN = "(hidden)";

    private static final byte[] ENVIRONMENT = "\"env\":".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] OPTIONS = "ptions\":".getBytes(StandardCharsets.US_ASCII);

    /** Where the first letter of an event's type stands; builds and images tell lines of their Dockerfiles. */
    private static final int TYPE_AT = "{\"type\":\"".length();

    /** Fields that hold a line of a Dockerfile, or what the history of an image makes of it. */
    private static final Set<String> LINES = Set.of("instruction", "told", "createdBy");

    private static final Pattern SETS = Pattern.compile("(?is)((?:/bin/sh -c #\\(nop\\)\\s+)?(?:ENV|ARG)\\s+)(.*)");

    /** Values are told without quotes, so one goes on until the next name. */
    private static final Pattern PAIR =
            Pattern.compile("(?s)([A-Za-z_][A-Za-z0-9_.-]*=).*?(?=\\s[A-Za-z_][A-Za-z0-9_.-]*=|$)");

    /** Arguments of a build before the shell of a RUN: {@code |1 TOKEN=mine /bin/sh -c make}. */
    private static final Pattern ARGUMENTS = Pattern.compile("(?s)(\\|\\d+ ).*?(?= /(?:usr/)?bin/|$)");

    private static final Pattern SECRET =
            Pattern.compile("pass|secret|token|cred|auth|private|apikey|api-key|access-key", Pattern.CASE_INSENSITIVE);

    /** As in {@code username=me,password=mine}, which is how mounts are told. */
    private static final Pattern WITHIN =
            Pattern.compile("(?i)((?:pass|password|secret|token|cred|credentials)[a-z]{0,40}=)[^,]+");

    /**
     * A field or variable whose name speaks of secrets, and its value, in text that may be no JSON. Anybody may have written it,
     * so nothing in here may go on for as long as the text does and then turn back.
     */
    private static final Pattern NAMED =
            Pattern.compile("(?i)((?:pass|secret|token|cred|auth|private|api-?key|access-key)"
                    + "[a-z0-9_.-]{0,40}[\"']?\\s{0,4}[:=]\\s{0,4}[\"']?)[^\"',}\\]\\s]+");

    /** The list of variables as far as it goes, in the same. */
    private static final Pattern VARIABLES = Pattern.compile("(?i)(\"env\"\\s{0,4}:\\s{0,4}\\[)[^\\]]*");

    private static final ObjectMapper JSON = new ObjectMapper();

    private final boolean environmentValues;

    Concealment(boolean environmentValues) {
        this.environmentValues = environmentValues;
    }

    byte[] conceal(byte[] event) throws IOException {
        boolean environment = !environmentValues && holds(event, ENVIRONMENT);
        boolean lines =
                !environmentValues && event.length > TYPE_AT && (event[TYPE_AT] == 'b' || event[TYPE_AT] == 'i');
        if (!environment && !lines && !holds(event, OPTIONS)) {
            return event;
        }
        JsonNode tree = JSON.readTree(event);
        return walk(tree) ? JSON.writeValueAsBytes(tree) : event;
    }

    /**
     * A command that is put aside, which anybody may have written in any way: values of all variables are taken out, and those
     * of all fields whose names speak of secrets.
     */
    static byte[] concealCommand(byte[] command) throws IOException {
        try {
            // A tree has the last of two fields of one name, and nothing of what follows it: that is left to be read as
            // text.
            JsonNode tree = StrictJson.MAPPER.readTree(command);
            if (tree instanceof ObjectNode object) {
                return walkCommand(object) ? JSON.writeValueAsBytes(tree) : command;
            }
        } catch (JsonProcessingException e) {
            // Goes on as text.
        }
        String text = new String(command, StandardCharsets.UTF_8);
        String shown =
                VARIABLES.matcher(NAMED.matcher(text).replaceAll("$1" + HIDDEN)).replaceAll("$1\"" + HIDDEN + "\"");
        return shown.equals(text) ? command : shown.getBytes(StandardCharsets.UTF_8);
    }

    /** What is said of a command, without the values of the variables it would give a container. */
    static String concealReason(String reason, JsonNode data) {
        String shown = reason;
        for (JsonNode variable : data.path("body").path("Env")) {
            String text = variable.asText();
            int equals = text.indexOf('=');
            if (equals >= 0 && equals < text.length() - 1) {
                shown = shown.replace(text, text.substring(0, equals + 1) + HIDDEN);
            }
        }
        return shown;
    }

    private static boolean walkCommand(JsonNode node) {
        boolean changed = false;
        if (node instanceof ObjectNode object) {
            List<Map.Entry<String, JsonNode>> fields = new ArrayList<>();
            object.fields().forEachRemaining(fields::add);
            for (Map.Entry<String, JsonNode> field : fields) {
                if (field.getKey().equalsIgnoreCase("env") && field.getValue() instanceof ArrayNode variables) {
                    changed |= names(variables);
                } else if (field.getValue().isTextual()) {
                    changed |= option(object, field);
                } else {
                    changed |= walkCommand(field.getValue());
                }
            }
        } else if (node instanceof ArrayNode array) {
            for (JsonNode element : array) {
                changed |= walkCommand(element);
            }
        }
        return changed;
    }

    /** Whether anything had to be taken out. */
    private boolean walk(JsonNode node) {
        boolean changed = false;
        if (node instanceof ObjectNode object) {
            List<Map.Entry<String, JsonNode>> fields = new ArrayList<>();
            object.fields().forEachRemaining(fields::add);
            for (Map.Entry<String, JsonNode> field : fields) {
                String name = field.getKey();
                if (name.equals("env") && field.getValue() instanceof ArrayNode variables) {
                    changed |= !environmentValues && names(variables);
                } else if (LINES.contains(name) && field.getValue().isTextual()) {
                    changed |= !environmentValues
                            && line(object, name, field.getValue().asText());
                } else if (isOptions(name) && field.getValue() instanceof ObjectNode options) {
                    changed |= options(options);
                } else {
                    changed |= walk(field.getValue());
                }
            }
        } else if (node instanceof ArrayNode array) {
            for (JsonNode element : array) {
                changed |= walk(element);
            }
        }
        return changed;
    }

    private static boolean line(ObjectNode object, String name, String line) {
        Matcher sets = SETS.matcher(line);
        String shown = line;
        if (sets.matches()) {
            String rest = sets.group(2);
            shown = sets.group(1)
                    + (rest.contains("=")
                            ? PAIR.matcher(rest).replaceAll("$1" + HIDDEN)
                            : rest.replaceFirst("(?s)\\s.*", " " + HIDDEN));
        } else if (line.contains("|")) {
            shown = ARGUMENTS.matcher(line).replaceFirst("$1" + HIDDEN);
        }
        if (shown.equals(line)) {
            return false;
        }
        object.put(name, shown);
        return true;
    }

    private static boolean isOptions(String name) {
        return name.equals("options") || name.endsWith("Options");
    }

    private static boolean names(ArrayNode variables) {
        boolean changed = false;
        for (int i = 0; i < variables.size(); i++) {
            String variable = variables.get(i).asText();
            int equals = variable.indexOf('=');
            if (equals >= 0 && equals < variable.length() - 1) {
                variables.set(i, new TextNode(variable.substring(0, equals + 1) + HIDDEN));
                changed = true;
            }
        }
        return changed;
    }

    private static boolean options(ObjectNode options) {
        boolean changed = false;
        List<Map.Entry<String, JsonNode>> fields = new ArrayList<>();
        options.fields().forEachRemaining(fields::add);
        for (Map.Entry<String, JsonNode> option : fields) {
            changed |= option(options, option);
        }
        return changed;
    }

    private static boolean option(ObjectNode options, Map.Entry<String, JsonNode> option) {
        String value = option.getValue().asText();
        String shown = SECRET.matcher(option.getKey()).find() && !value.isEmpty()
                ? HIDDEN
                : WITHIN.matcher(value).replaceAll("$1" + HIDDEN);
        if (shown.equals(value)) {
            return false;
        }
        options.put(option.getKey(), shown);
        return true;
    }

    private static boolean holds(byte[] text, byte[] word) {
        byte first = word[0];
        for (int i = 0, last = text.length - word.length; i <= last; i++) {
            if (text[i] == first && matches(text, i, word)) {
                return true;
            }
        }
        return false;
    }

    private static boolean matches(byte[] text, int at, byte[] word) {
        for (int i = 1; i < word.length; i++) {
            if (text[at + i] != word[i]) {
                return false;
            }
        }
        return true;
    }
}
