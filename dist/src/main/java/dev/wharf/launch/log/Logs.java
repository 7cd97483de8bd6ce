package dev.wharf.launch.log;

import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.ILoggerFactory;
import org.slf4j.Logger;
import org.slf4j.event.Level;
import org.slf4j.helpers.MessageFormatter;

/** Every logger of the house, and the line that each of their messages becomes. */
public final class Logs implements ILoggerFactory {
    /** Libraries tell at length what they do when nobody asks; from them a warning is worth reading. */
    private static final String OURS = "dev.wharf.";

    /** Warns of each try to reach a broker that is away, for days if need be; whoever uses it says once what that means. */
    private static final String CHATTY = "org.apache.kafka.";

    private static final int MINUTES = "2026-01-01T00:00".length();
    private static final int SECONDS = "2026-01-01T00:00:00".length();

    private static volatile Level threshold = Level.INFO;
    private static volatile PrintStream out = System.err;
    private static volatile boolean journald = isJournald();
    private static volatile Predicate<Map<String, String>> journal = entry -> false;

    private final ConcurrentMap<String, Logger> loggers = new ConcurrentHashMap<>();

    /** Writes messages of this level and above; may be called at any time, and counts at once. */
    public static void setLevel(Level level) {
        threshold = level;
    }

    /** Whether what is written to standard error is read by journald. */
    public static boolean isUnderJournald() {
        return journald;
    }

    /** From now on entries go here; what is not taken goes to standard error, as it does without. */
    public static void setJournal(Predicate<Map<String, String>> takes) {
        journal = takes;
    }

    static void setOut(PrintStream stream) {
        out = stream;
    }

    static void setJournald(boolean toJournald) {
        journald = toJournald;
    }

    @Override
    public Logger getLogger(String name) {
        Logger known = loggers.get(name);
        if (known != null) return known;
        Logger fresh = new LineLogger(name);
        Logger other = loggers.putIfAbsent(name, fresh);
        return other == null ? fresh : other;
    }

    static boolean isLogged(String name, Level level) {
        Level least = threshold == Level.INFO && !name.startsWith(OURS) ? Level.WARN : threshold;
        if (least == Level.WARN && name.startsWith(CHATTY)) {
            least = Level.ERROR;
        }
        return level.toInt() >= least.toInt();
    }

    /** One line, and the trace of what was thrown below it; in one piece, whoever else writes at that moment. */
    static void write(
            Level level, String name, String pattern, Object @Nullable [] arguments, @Nullable Throwable thrown) {
        String message = shortName(name) + ": " + MessageFormatter.basicArrayFormat(pattern, arguments);
        if (journald) {
            if (!journal.test(JournalEntry.of(level, name, pattern, arguments, message, thrown))) {
                writeToJournald(level, message, thrown);
            }
            return;
        }
        String line = time(Instant.now()) + ' ' + word(level) + ' ' + message;
        PrintStream stream = out;
        synchronized (stream) {
            stream.println(line);
            if (thrown != null) thrown.printStackTrace(stream);
            stream.flush();
        }
    }

    /** journald knows the time, and takes the priority from the beginning of each line (sd-daemon(3)). */
    private static void writeToJournald(Level level, String message, @Nullable Throwable thrown) {
        StringWriter text = new StringWriter();
        PrintWriter lines = new PrintWriter(text);
        lines.println(message);
        if (thrown != null) thrown.printStackTrace(lines);
        lines.flush();
        String priority = "<" + priority(level) + ">";
        PrintStream stream = out;
        synchronized (stream) {
            text.toString().lines().forEach(line -> stream.println(priority + line));
            stream.flush();
        }
    }

    /** Whether standard error is the stream that {@code JOURNAL_STREAM} names: it may have been led elsewhere since. */
    private static boolean isJournald() {
        String stream = System.getenv("JOURNAL_STREAM");
        if (stream == null) return false;
        try {
            Map<String, Object> file = Files.readAttributes(Path.of("/proc/self/fd/2"), "unix:dev,ino");
            return stream.equals(file.get("dev") + ":" + file.get("ino"));
        } catch (IOException e) {
            return false;
        }
    }

    /** As syslog counts. */
    static int priority(Level level) {
        return switch (level) {
            case ERROR -> 3;
            case WARN -> 4;
            case INFO -> 6;
            case DEBUG, TRACE -> 7;
        };
    }

    /** The time in UTC to the millisecond. {@link Instant#toString} says the same and loads a hundred classes for it. */
    static String time(Instant instant) {
        String time = LocalDateTime.ofInstant(instant.truncatedTo(ChronoUnit.MILLIS), ZoneOffset.UTC)
                .toString();
        // LocalDateTime leaves out seconds and milliseconds that are zero.
        if (time.length() == MINUTES) return time + ":00.000Z";
        return time.length() == SECONDS ? time + ".000Z" : time + "Z";
    }

    /** All words have one width, so that what follows stands in columns. */
    private static String word(Level level) {
        return switch (level) {
            case ERROR -> "error";
            case WARN -> "warn ";
            case INFO -> "info ";
            case DEBUG -> "debug";
            case TRACE -> "trace";
        };
    }

    /** Our own names are known to the reader without the first part; a library's is told in full. */
    private static String shortName(String name) {
        return name.startsWith(OURS) ? name.substring(OURS.length()) : name;
    }
}
