package dev.wharf.launch.log;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.event.Level;
import org.slf4j.helpers.MessageFormatter;

/**
 * A message as the fields of an entry of journald (systemd.journal-fields(7)). Messages of this house are constant text with
 * values as {@code key={}}, so each value is a field that can be asked for: {@code unmounted container={}} becomes
 * {@code WHARF_EVENT=unmounted} and {@code WHARF_CONTAINER=...}.
 */
final class JournalEntry {
    private static final Pattern PLACEHOLDER = Pattern.compile("(?:([A-Za-z][A-Za-z0-9-]*)=)?\\{}");

    /** Values are for looking up; the message has them whole. */
    private static final int LONGEST_VALUE = 1000;

    private static final Set<String> LOGGING =
            Set.of(JournalEntry.class.getName(), Logs.class.getName(), LineLogger.class.getName());

    private static final StackWalker STACK = StackWalker.getInstance();

    private JournalEntry() {}

    static Map<String, String> of(
            Level level,
            String logger,
            String pattern,
            Object @Nullable [] arguments,
            String message,
            @Nullable Throwable thrown) {
        Map<String, String> fields = new LinkedHashMap<>();
        fields.put("MESSAGE", thrown == null ? message : message + "\n" + trace(thrown));
        fields.put("PRIORITY", Integer.toString(Logs.priority(level)));
        fields.put("WHARF_LOGGER", logger);
        fields.put("WHARF_THREAD", Thread.currentThread().getName());
        fields.put("WHARF_EVENT", constant(pattern));
        if (thrown != null) fields.put("WHARF_THROWN", thrown.getClass().getName());
        if (arguments != null) putValues(fields, pattern, arguments);
        STACK.walk(frames ->
                        frames.filter(frame -> !isLogging(frame.getClassName())).findFirst())
                .ifPresent(frame -> {
                    if (frame.getFileName() != null) fields.put("CODE_FILE", frame.getFileName());
                    fields.put("CODE_LINE", Integer.toString(frame.getLineNumber()));
                    fields.put("CODE_FUNC", frame.getClassName() + "." + frame.getMethodName());
                });
        return fields;
    }

    private static void putValues(Map<String, String> fields, String pattern, Object[] arguments) {
        Matcher placeholder = PLACEHOLDER.matcher(pattern);
        for (int i = 0; i < arguments.length && placeholder.find(); i++) {
            String key = placeholder.group(1);
            if (key == null) continue;
            String value = MessageFormatter.basicArrayFormat("{}", new Object[] {arguments[i]});
            fields.put(
                    "WHARF_" + key.toUpperCase(Locale.ROOT).replace('-', '_'),
                    value.substring(0, Math.min(LONGEST_VALUE, value.length())));
        }
    }

    /** The words before the first value: the same in each message of its kind. */
    private static String constant(String pattern) {
        Matcher placeholder = PLACEHOLDER.matcher(pattern);
        String words = placeholder.find() ? pattern.substring(0, placeholder.start()) : pattern;
        return words.substring(0, Math.min(LONGEST_VALUE, words.length())).strip();
    }

    private static String trace(Throwable thrown) {
        StringWriter text = new StringWriter();
        thrown.printStackTrace(new PrintWriter(text, true));
        return text.toString().stripTrailing();
    }

    private static boolean isLogging(String className) {
        return className.startsWith("org.slf4j.") || LOGGING.contains(className);
    }
}
