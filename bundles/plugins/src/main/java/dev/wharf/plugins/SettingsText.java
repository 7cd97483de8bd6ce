package dev.wharf.plugins;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** The text of a file of settings, looked at before anybody takes it for settings. */
final class SettingsText {
    private static final int MOST_BYTES = 1 << 20;
    private static final String BYTE_ORDER_MARK = "\uFEFF";

    private SettingsText() {}

    /** What keeps it from being settings, and what to do. */
    static Optional<String> trouble(byte[] bytes) {
        if (bytes.length > MOST_BYTES) {
            return Optional.of("it has " + bytes.length + " bytes, where settings have a few lines");
        }
        String text;
        try {
            text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException e) {
            return Optional.of("line " + lineThatIsNoText(bytes) + " is not UTF-8; save the file in UTF-8");
        }
        if (text.startsWith(BYTE_ORDER_MARK)) {
            return Optional.of("it begins with a byte order mark; save the file in UTF-8 without one");
        }
        return troubleOfLines(text.split("\r?\n|\r", -1));
    }

    private static int lineThatIsNoText(byte[] bytes) {
        String[] lines = new String(bytes, StandardCharsets.ISO_8859_1).split("\r?\n|\r", -1);
        int number = 1;
        for (String line : lines) {
            byte[] raw = line.getBytes(StandardCharsets.ISO_8859_1);
            if (!isText(raw)) {
                return number;
            }
            number++;
        }
        return number - 1;
    }

    private static boolean isText(byte[] raw) {
        try {
            StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(raw));
            return true;
        } catch (CharacterCodingException e) {
            return false;
        }
    }

    private static Optional<String> troubleOfLines(String[] lines) {
        Map<String, String> said = new HashMap<>();
        boolean goesOn = false;
        for (int i = 0; i < lines.length; i++) {
            String line = lines[i].strip();
            if (line.indexOf('\0') >= 0) {
                return Optional.of("line " + (i + 1) + " has a NUL byte; write the file anew");
            }
            boolean begins = !goesOn && !line.isEmpty() && !line.startsWith("#") && !line.startsWith("!");
            goesOn = (begins || goesOn) && endsInBackslash(line);
            if (begins) {
                String key = line.split("[=:\\s]", 2)[0];
                String before = said.put(key.toLowerCase(Locale.ROOT), key);
                if (before != null && !before.equals(key)) {
                    return Optional.of("it says " + before + ", and " + key + " in line " + (i + 1)
                            + ", which are one setting; remove one of them");
                }
            }
        }
        return Optional.empty();
    }

    private static boolean endsInBackslash(String line) {
        int backslashes = 0;
        while (backslashes < line.length() && line.charAt(line.length() - 1 - backslashes) == '\\') {
            backslashes++;
        }
        return backslashes % 2 == 1;
    }
}
