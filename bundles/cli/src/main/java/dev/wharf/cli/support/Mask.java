package dev.wharf.cli.support;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonStreamContext;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.io.SerializedString;
import java.io.IOException;
import java.io.StringWriter;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Takes secrets out of texts. It cannot know one by its looks, so it goes by where secrets stand: values of environment variables,
 * whatever is called a password, a token or a key, credentials in addresses and headers, and private keys. It rather takes too much.
 */
public final class Mask {
    /** What stands where something was taken out. */
    public static final String MASKED = "***";

    private static final String SECRETIVE =
            "passw|passphrase|pass\\b|pwd|secret|token|credential|api[-_.]?key|private[-_.]?key|access[-_.]?key|signature|cookie"
                    + "|auth(?!or)";

    private static final Pattern NAME = Pattern.compile("(?i).*(?:" + SECRETIVE + ").*");
    private static final Pattern FLAG = Pattern.compile("(?i)--?[\\w.-]*(?:" + SECRETIVE + ")[\\w.-]*");

    /** Up to the quote that ends it, which in JSON within a text is escaped. */
    private static final String QUOTED = "\\\\\".*?\\\\\"|\"(?:\\\\.|[^\"\\\\])*\"|'[^']*'";

    /** Up to a blank or a quote; what separates one value from the next ends it where a next one follows. */
    private static final String BARE = "(?:[^\\s\"',;&\\\\]|\\\\(?!\")|[,;&](?![\\w.-]+=))+";

    private static final Pattern ASSIGNED = Pattern.compile(
            "(?i)([\\w.-]*(?:" + SECRETIVE + ")[\\w.-]*\\\\?[\"']?\\s*[=:]\\s*)(?:" + QUOTED + "|" + BARE + ")");
    private static final Pattern FLAGGED =
            Pattern.compile("(?i)(--?[\\w.-]*(?:" + SECRETIVE + ")[\\w.-]*\\s+)(?:\"[^\"]*\"|'[^']*'|[^\\s-]\\S*)");
    private static final Pattern VARIABLE = Pattern.compile("\\b([A-Z][A-Z0-9_]{2,}=)(?:\"[^\"]*\"|'[^']*'|\\S+)");

    /** What a build was given, as the history of an image tells it. */
    private static final Pattern ARGUMENTS = Pattern.compile("(?m)(\\|\\d+ )\\w+=.*?(?= /bin/| \\w+ -c |$)");

    /** The user alone may be a token; a digest is no host. */
    private static final Pattern IN_ADDRESS = Pattern.compile("(://)[^/\\s@]+@(?!sha\\d+:)");

    private static final Pattern IN_QUERY = Pattern.compile("(?i)([?&](?:sig|key|code)=)[^&\\s\"']+");
    private static final Pattern HEADER = Pattern.compile("(?i)\\b(basic|bearer)\\s+[A-Za-z0-9._~+/=-]{6,}");
    private static final Pattern PEM =
            Pattern.compile("(?s)(-----BEGIN [A-Z ]*PRIVATE KEY-----).*?(-----END [A-Z ]*PRIVATE KEY-----|$)");

    private static final Pattern SETTING = Pattern.compile("^\\s*([^#!\\s=:][^\\s=:]*)\\s*[=:\\s]\\s*");

    private static final JsonFactory JSON = new JsonFactory();

    private Mask() {}

    /** A text of any kind: lines of a log, rules, a list of mounts. */
    public static String text(String text) {
        String masked = PEM.matcher(text).replaceAll("$1" + MASKED + "$2");
        masked = IN_ADDRESS.matcher(masked).replaceAll("$1" + MASKED + "@");
        masked = HEADER.matcher(masked).replaceAll("$1 " + MASKED);
        masked = IN_QUERY.matcher(masked).replaceAll("$1" + MASKED);
        masked = ARGUMENTS.matcher(masked).replaceAll("$1" + MASKED);
        masked = FLAGGED.matcher(masked).replaceAll("$1" + MASKED);
        masked = ASSIGNED.matcher(masked).replaceAll("$1" + MASKED);
        return VARIABLE.matcher(masked).replaceAll("$1" + MASKED);
    }

    /** A file of settings, {@code key = value} a line. Where a secret is in a file, the file's path is no secret. */
    public static String settings(String text) {
        StringBuilder masked = new StringBuilder();
        // A backslash at its end makes the next line part of a value.
        for (String line : text.replaceAll("\\\\\\R", "").lines().toList()) {
            Matcher setting = SETTING.matcher(line);
            String key = setting.find() ? setting.group(1) : "";
            if (key.endsWith(".file")) {
                masked.append(line);
            } else if (NAME.matcher(key).matches()) {
                masked.append(setting.group()).append(MASKED);
            } else {
                masked.append(text(line));
            }
            masked.append('\n');
        }
        return masked.toString();
    }

    /** A JSON document, or several one after another, each of which becomes a line. */
    public static String json(String document) throws IOException {
        StringWriter text = new StringWriter();
        try (JsonParser in = JSON.createParser(document);
                JsonGenerator out = JSON.createGenerator(text)) {
            out.setRootValueSeparator(new SerializedString("\n"));
            new Walk(in, out).all();
        }
        return text + "\n";
    }

    /** One way through a document. What a value is called is the name of its field, or of the field its list is in. */
    private static final class Walk {
        private final JsonParser in;
        private final JsonGenerator out;
        private final Deque<Boolean> inEnvironment = new ArrayDeque<>();
        private String before = "";

        Walk(JsonParser in, JsonGenerator out) {
            this.in = in;
            this.out = out;
        }

        void all() throws IOException {
            inEnvironment.push(false);
            while (in.nextToken() != null) {
                token(in.currentToken());
            }
        }

        private void token(JsonToken token) throws IOException {
            switch (token) {
                case START_OBJECT, START_ARRAY -> {
                    inEnvironment.push(inEnvironment.element()
                            || isEnvironment(called(in.getParsingContext().getParent())));
                    before = "";
                    out.copyCurrentEvent(in);
                }
                case END_OBJECT, END_ARRAY -> {
                    inEnvironment.pop();
                    out.copyCurrentEvent(in);
                }
                case VALUE_STRING -> {
                    String value = in.getText();
                    out.writeString(value(value));
                    before = value;
                }
                case FIELD_NAME -> out.writeFieldName(text(in.currentName()));
                default -> out.copyCurrentEvent(in);
            }
        }

        private String value(String value) throws IOException {
            boolean inList = in.getParsingContext().inArray();
            if (inEnvironment.element()) {
                int equals = value.indexOf('=');
                if (!inList || equals < 0) return inList && equals < 0 ? value : MASKED;
                return value.substring(0, equals + 1) + MASKED;
            }
            if (NAME.matcher(called(in.getParsingContext())).matches()
                    || inList && FLAG.matcher(before).matches()) return MASKED;
            return text(value);
        }

        private static String called(@Nullable JsonStreamContext within) {
            JsonStreamContext context = within;
            while (context != null && context.inArray()) {
                context = context.getParent();
            }
            String name = context == null ? null : context.getCurrentName();
            return name == null ? "" : name;
        }

        private static boolean isEnvironment(String name) {
            return name.equalsIgnoreCase("env")
                    || name.equalsIgnoreCase("environment")
                    || name.equalsIgnoreCase("buildargs");
        }
    }
}
