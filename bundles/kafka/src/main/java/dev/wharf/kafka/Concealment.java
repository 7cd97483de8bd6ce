package dev.wharf.kafka;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Takes out of events what people keep secrets in and the host needs in its journal to run a container: the values of
 * environment variables, and of options of volumes and logs whose names speak of secrets. What is left unchanged keeps every
 * byte that the journal has.
 */
final class Concealment {
    static final String HIDDEN = "(hidden)";

    private static final byte[] ENVIRONMENT = "\"env\":".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] OPTIONS = "ptions\":".getBytes(StandardCharsets.US_ASCII);
    private static final Pattern SECRET =
            Pattern.compile("pass|secret|token|cred|auth|private|apikey|api-key|access-key", Pattern.CASE_INSENSITIVE);

    /** As in {@code username=me,password=mine}, which is how mounts are told. */
    private static final Pattern WITHIN =
            Pattern.compile("(?i)((?:pass|password|secret|token|cred|credentials)[a-z]*=)[^,]+");

    private static final ObjectMapper JSON = new ObjectMapper();

    private final boolean environmentValues;

    Concealment(boolean environmentValues) {
        this.environmentValues = environmentValues;
    }

    byte[] conceal(byte[] event) throws IOException {
        boolean environment = !environmentValues && holds(event, ENVIRONMENT);
        if (!environment && !holds(event, OPTIONS)) {
            return event;
        }
        JsonNode tree = JSON.readTree(event);
        return walk(tree) ? JSON.writeValueAsBytes(tree) : event;
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
            String value = option.getValue().asText();
            String shown = SECRET.matcher(option.getKey()).find() && !value.isEmpty()
                    ? HIDDEN
                    : WITHIN.matcher(value).replaceAll("$1" + HIDDEN);
            if (!shown.equals(value)) {
                options.put(option.getKey(), shown);
                changed = true;
            }
        }
        return changed;
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
