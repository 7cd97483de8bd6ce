package dev.wharf.model;

import java.util.List;
import java.util.Locale;

/** A Linux signal by its number (signal(7)); the names are those of the generic architectures. */
public record Signal(int number) {
    private static final List<String> NAMES = List.of(
            "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM",
            "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF",
            "WINCH", "IO", "PWR", "SYS");
    private static final int RTMIN = 34;
    private static final int RTMAX = 64;

    public static final Signal KILL = new Signal(9);
    public static final Signal TERM = new Signal(15);

    public Signal {
        if (number < 1 || number > RTMAX) {
            throw new IllegalArgumentException("invalid signal: " + number);
        }
    }

    /** Reads {@code SIGTERM}, {@code term}, {@code RTMIN+3} or {@code 15}. */
    public static Signal parse(String text) {
        String name = text.strip().toUpperCase(Locale.ROOT);
        if (name.startsWith("SIG")) {
            name = name.substring(3);
        }
        int index = NAMES.indexOf(name);
        if (index >= 0) {
            return new Signal(index + 1);
        }
        try {
            if (!name.equalsIgnoreCase(text.strip()) && !name.startsWith("RT")) {
                throw new IllegalArgumentException("a number has no name");
            }
            if (name.startsWith("RTMIN")) {
                return new Signal(RTMIN + offset(name.substring(5)));
            }
            if (name.startsWith("RTMAX")) {
                return new Signal(RTMAX + offset(name.substring(5)));
            }
            return new Signal(Integer.parseInt(name));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("invalid signal: " + text);
        }
    }

    private static int offset(String text) {
        return text.isEmpty() ? 0 : Integer.parseInt(text);
    }

    @Override
    public String toString() {
        return number <= NAMES.size() ? "SIG" + NAMES.get(number - 1) : "SIGRTMIN+" + (number - RTMIN);
    }
}
