package dev.wharf.build.plan;

/** Values as Go's fmt spells them, because Docker's history does. */
public final class GoWords {
    private GoWords() {}

    /** {@code %q} of a text. */
    public static String quoted(String text) {
        StringBuilder out = new StringBuilder("\"");
        text.codePoints().forEach(c -> {
            switch (c) {
                case '"' -> out.append("\\\"");
                case '\\' -> out.append("\\\\");
                case '\n' -> out.append("\\n");
                case '\t' -> out.append("\\t");
                case '\r' -> out.append("\\r");
                case 7 -> out.append("\\a");
                case 8 -> out.append("\\b");
                case 11 -> out.append("\\v");
                case 12 -> out.append("\\f");
                default -> {
                    if (c < 32 || c == 127) {
                        out.append(String.format("\\x%02x", c));
                    } else {
                        out.appendCodePoint(c);
                    }
                }
            }
        });
        return out.append('"').toString();
    }

    /** {@code %q} of a number, which Go takes for a character. */
    static String rune(int c) {
        return switch (c) {
            case 7 -> "'\\a'";
            case 8 -> "'\\b'";
            case 9 -> "'\\t'";
            case 10 -> "'\\n'";
            case 11 -> "'\\v'";
            case 12 -> "'\\f'";
            case 13 -> "'\\r'";
            case '\'' -> "'\\''";
            case '\\' -> "'\\\\'";
            default ->
                c < 32 || c == 127
                        ? String.format("'\\x%02x'", c)
                        : "'" + new String(Character.toChars(Math.min(c, Character.MAX_CODE_POINT))) + "'";
        };
    }
}
