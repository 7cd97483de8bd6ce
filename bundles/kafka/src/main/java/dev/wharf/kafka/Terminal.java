package dev.wharf.kafka;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/**
 * Where a command of the fleet tells what it found: tables for people, in colour where they look on, and JSON for programs. What
 * is not the answer, such as how far a long reading is, goes to standard error.
 */
final class Terminal {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** How often a reading says how far it is. */
    private static final long TICK_NANOS = 200_000_000;

    private static final String CLEAR = "\r\u001b[K";

    private final PrintStream out;
    private final PrintStream err;
    private final boolean json;
    private final boolean colourful;
    private final boolean watched;

    /**
     * @param colourful whether a person reads the answer
     * @param watched whether a person sees what goes to standard error
     */
    Terminal(PrintStream out, PrintStream err, boolean json, boolean colourful, boolean watched) {
        this.out = out;
        this.err = err;
        this.json = json;
        this.colourful = colourful;
        this.watched = watched;
    }

    /** The streams of this process, looked at as the kernel has them. */
    static Terminal ofThisProcess(PrintStream out, PrintStream err, boolean json) {
        boolean plain = !System.getenv().getOrDefault("NO_COLOR", "").isEmpty()
                || System.getenv().getOrDefault("TERM", "").equals("dumb");
        return new Terminal(
                out, err, json, !plain && out == System.out && isTerminal(1), err == System.err && isTerminal(2));
    }

    private static boolean isTerminal(int descriptor) {
        try {
            String target = Files.readSymbolicLink(Path.of("/proc/self/fd/" + descriptor))
                    .toString();
            return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty") || target.equals("/dev/console");
        } catch (IOException e) {
            return false;
        }
    }

    boolean isJson() {
        return json;
    }

    /** The reader has gone, as {@code head} does when it has enough. */
    boolean isOver() {
        return out.checkError();
    }

    void line(String text) {
        out.println(text);
    }

    void json(JsonNode answer) {
        out.println(answer);
    }

    /** Something that is worth knowing and not part of the answer. */
    void note(String text) {
        err.println("wharf: " + text);
    }

    /** Rows under headings, or the same as an array of objects. */
    void table(List<ObjectNode> rows, String... columns) {
        if (json) {
            ArrayNode all = JSON.createArrayNode();
            rows.forEach(all::add);
            out.println(all);
            return;
        }
        int[] widths = new int[columns.length];
        StringBuilder head = new StringBuilder();
        for (int i = 0; i < columns.length; i++) {
            widths[i] = columns[i].length();
            for (ObjectNode row : rows) {
                widths[i] = Math.max(widths[i], width(row.path(columns[i]).asText()));
            }
            head.append(pad(columns[i].toUpperCase(Locale.ROOT), widths[i] + 2));
        }
        out.println(bold(head.toString().stripTrailing()));
        for (ObjectNode row : rows) {
            StringBuilder line = new StringBuilder();
            for (int i = 0; i < columns.length; i++) {
                String cell = pad(row.path(columns[i]).asText(), widths[i] + 2);
                line.append(i == columns.length - 1 ? cell.stripTrailing() : cell);
            }
            out.println(ink(line.toString().stripTrailing(), row.path("state").asText()));
        }
    }

    /** A row whose state is good or bad news stands out. */
    private String ink(String line, String state) {
        return switch (state) {
            case "running", "whole", "converged" -> good(line);
            case "restarting", "removing", "parted", "broken", "halted", "rolled-back" -> bad(line);
            case "exited", "created" -> faint(line);
            default -> line;
        };
    }

    private static int width(String text) {
        return text.codePointCount(0, text.length());
    }

    private static String pad(String text, int width) {
        return text + " ".repeat(Math.max(0, width - width(text)));
    }

    String bold(String text) {
        return ink(text, 1);
    }

    String faint(String text) {
        return ink(text, 2);
    }

    String good(String text) {
        return ink(text, 32);
    }

    String bad(String text) {
        return ink(text, 31);
    }

    private String ink(String text, int code) {
        return colourful && !text.isEmpty() ? "\u001b[" + code + "m" + text + "\u001b[0m" : text;
    }

    /** Tells a person who waits how far a reading is; nothing where nobody looks. */
    Connection.Progress progress(String what) {
        if (!watched) {
            return (done, total) -> {};
        }
        return new Connection.Progress() {
            private long told = System.nanoTime();

            @Override
            public void at(long done, long total) {
                long now = System.nanoTime();
                if (done >= total) {
                    err.print(CLEAR);
                    err.flush();
                } else if (now - told > TICK_NANOS) {
                    told = now;
                    err.printf(Locale.ROOT, "%s%s %,d of %,d  %d%%", CLEAR, what, done, total, done * 100 / total);
                    err.flush();
                }
            }
        };
    }
}
