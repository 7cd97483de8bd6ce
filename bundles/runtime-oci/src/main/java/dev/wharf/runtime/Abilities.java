package dev.wharf.runtime;

import dev.wharf.model.Capability;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What this agent itself may do, which bounds what it can give: its capabilities (capabilities(7)) and its hard limits
 * (getrlimit(2)).
 *
 * @param capabilities the bounding set, bit by bit
 * @param hardLimits by the lower-case name of the limit, such as {@code nofile}; none where there is no limit
 */
record Abilities(long capabilities, Map<String, Long> hardLimits) {
    /** The words of /proc/self/limits (proc(5)) for the names of setrlimit(2). */
    private static final Map<String, String> LIMITS = Map.ofEntries(
            Map.entry("Max cpu time", "cpu"),
            Map.entry("Max file size", "fsize"),
            Map.entry("Max data size", "data"),
            Map.entry("Max stack size", "stack"),
            Map.entry("Max core file size", "core"),
            Map.entry("Max resident set", "rss"),
            Map.entry("Max processes", "nproc"),
            Map.entry("Max open files", "nofile"),
            Map.entry("Max locked memory", "memlock"),
            Map.entry("Max address space", "as"),
            Map.entry("Max file locks", "locks"),
            Map.entry("Max pending signals", "sigpending"),
            Map.entry("Max msgqueue size", "msgqueue"),
            Map.entry("Max nice priority", "nice"),
            Map.entry("Max realtime priority", "rtprio"),
            Map.entry("Max realtime timeout", "rttime"));

    Abilities {
        hardLimits = Map.copyOf(hardLimits);
    }

    static Abilities ofThisProcess() throws IOException {
        long bounding = 0;
        for (String line : Files.readAllLines(Path.of("/proc/self/status"), StandardCharsets.ISO_8859_1)) {
            if (line.startsWith("CapBnd:")) {
                bounding = Long.parseUnsignedLong(line.substring(7).strip(), 16);
            }
        }
        Map<String, Long> hard = new HashMap<>();
        for (String line : Files.readAllLines(Path.of("/proc/self/limits"), StandardCharsets.ISO_8859_1)) {
            LIMITS.forEach((words, name) -> {
                String[] values = line.startsWith(words)
                        ? line.substring(words.length()).strip().split("\\s+")
                        : new String[0];
                if (values.length >= 2 && !values[1].equals("unlimited")) {
                    hard.put(name, Long.parseLong(values[1]));
                }
            });
        }
        return new Abilities(bounding, hard);
    }

    boolean has(String capability) {
        int number = Capability.NAMES.indexOf(capability);
        return number >= 0 && (capabilities >>> number & 1) == 1;
    }

    /** Every capability that this agent has to give. */
    List<String> all() {
        return Capability.NAMES.stream().filter(this::has).toList();
    }

    /** The largest hard limit that can be given; the largest long where there is none. */
    long mostOf(String limit) {
        return has("CAP_SYS_RESOURCE") ? Long.MAX_VALUE : hardLimits.getOrDefault(limit, Long.MAX_VALUE);
    }
}
