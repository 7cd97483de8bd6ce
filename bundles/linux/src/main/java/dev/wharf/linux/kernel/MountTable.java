package dev.wharf.linux.kernel;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What is mounted, from /proc/self/mountinfo (proc(5)), in the order of mounting. */
record MountTable(List<Entry> entries) {
    MountTable {
        entries = List.copyOf(entries);
    }

    static MountTable read() throws IOException {
        return parse(Files.readString(Path.of("/proc/self/mountinfo"), StandardCharsets.UTF_8));
    }

    static MountTable parse(String mountinfo) {
        List<Entry> entries = new ArrayList<>();
        for (String line : mountinfo.split("\n")) {
            String[] fields = line.split(" ");
            int separator = 6;
            while (separator < fields.length && !fields[separator].equals("-")) {
                separator++;
            }
            if (separator + 1 < fields.length) {
                entries.add(new Entry(
                        Integer.parseInt(fields[0]), Path.of(unescape(fields[4])), fields[5], fields[separator + 1]));
            }
        }
        return new MountTable(entries);
    }

    /** Mounts at {@code point} itself, the topmost last. */
    List<Entry> at(Path point) {
        return entries.stream().filter(e -> e.point.equals(point)).toList();
    }

    /** Mounts at or below {@code point}. */
    List<Entry> under(Path point) {
        return entries.stream().filter(e -> e.point.startsWith(point)).toList();
    }

    /** Spaces, tabs, line ends and backslashes come as three octal digits. */
    private static String unescape(String field) {
        if (field.indexOf('\\') < 0) {
            return field;
        }
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < field.length(); i++) {
            if (field.charAt(i) == '\\' && i + 3 < field.length()) {
                text.append((char) Integer.parseInt(field, i + 1, i + 4, 8));
                i += 3;
            } else {
                text.append(field.charAt(i));
            }
        }
        return text.toString();
    }

    /** One mount. */
    record Entry(int id, Path point, String options, String type) {}
}
