package dev.wharf.build.dockerfile;

/**
 * Where something stands in a file.
 *
 * @param line and {@code column} from 1
 * @param text the line as it is written
 * @param word the instruction it belongs to, in capitals, or empty
 */
public record Place(String file, int line, int column, String text, String word) {
    private static final int LONGEST_LINE = 200;

    /** The place for people: its name, the line, and a mark below the column. */
    public String shown() {
        String visible = text.length() > LONGEST_LINE ? text.substring(0, LONGEST_LINE) + "..." : text;
        String gutter = String.format("%5d | ", line);
        StringBuilder mark = new StringBuilder();
        for (int i = 0; i < Math.min(column - 1, visible.length()); i++) {
            mark.append(visible.charAt(i) == '\t' ? '\t' : ' ');
        }
        return file + ":" + line + ":" + column + (word.isEmpty() ? "" : ": " + word) + "\n" + gutter + visible + "\n"
                + " ".repeat(5) + " | " + mark + "^";
    }
}
